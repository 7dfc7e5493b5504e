"""An API client that behaves like curl and existing clients."""

import time
import uuid
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.patience import scaled
from tests.product import NO_TLS


class Client:
    """Calls the API for one session, with or without a key."""

    def __init__(
        self, url: str, *, app: str | None = None, key: str | None = None, session_id: str | None = None
    ) -> None:
        self.app, self.key = app, key
        self.session_id = session_id or str(uuid.uuid4())
        # A new connection per request, so that requests can reach any worker.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self.http = httpx2.Client(base_url=url, timeout=scaled(30), limits=limits, verify=NO_TLS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    @property
    def uuid(self) -> uuid.UUID:
        """The session's id as the database stores it."""
        return uuid.UUID(self.session_id)

    def request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """Send one call with the session's headers; a header given as None is omitted."""
        session_headers = {"X-Session-Id": self.session_id, "AOMI-APP-KEY": self.key, **(headers or {})}
        return self.http.request(
            method,
            path,
            headers=[(k.encode(), v.encode()) for k, v in session_headers.items() if v is not None],
            **more,
        )

    def post_chat(self, message: str, **params: str) -> httpx2.Response:
        query = {"message": message, **({"app": self.app} if self.app else {}), **params}
        return self.request("POST", "/api/chat", params=query)

    def chat(self, message: str, **params: str) -> dict[str, Any]:
        response = self.post_chat(message, **params)
        assert response.status_code == 200, response.text
        snapshot: dict[str, Any] = response.json()
        return snapshot

    def state(self) -> dict[str, Any]:
        response = self.request("GET", "/api/state")
        assert response.status_code == 200, response.text
        snapshot: dict[str, Any] = response.json()
        return snapshot

    def poll(self, seconds: float = 10) -> dict[str, Any]:
        """Poll the state, as existing clients do, until no turn is running."""
        deadline = time.monotonic() + scaled(seconds)
        while (snapshot := self.state())["is_processing"]:
            assert time.monotonic() < deadline, "the turn did not end"
            time.sleep(0.05)
        return snapshot


def texts(snapshot: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (sender, content) of a snapshot's messages."""
    return [(message["sender"], message["content"]) for message in snapshot["messages"]]
