"""Browser tokens in tests: requested over HTTP like a backend, and sent like a web page."""

from typing import Any

import httpx2

from tests.client import Client
from tests.product import NO_TLS, Server


def ask_for_token(server: Server, key: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
    """Ask for a token with an App key."""
    sent = {"Authorization": f"Bearer {key}", **headers}
    return httpx2.post(f"{server.url}/api/token", json=body, headers=sent, verify=NO_TLS)


def new_token(server: Server, key: str, **body: Any) -> str:
    response = ask_for_token(server, key, body)
    assert response.status_code == 201, response.text
    return str(response.json()["token"])


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


class Page(Client):
    """A web page with a browser token, at an origin or none."""

    def __init__(self, url: str, token: str, *, session_id: str | None = None, origin: str | None = None) -> None:
        super().__init__(url, session_id=session_id)
        self.token, self.origin = token, origin

    def request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """Send one call with the page's token and origin."""
        own = {**bearer(self.token), **({"Origin": self.origin} if self.origin else {})}
        return super().request(method, path, headers={**own, **(headers or {})}, **more)

    def code(self, method: str, path: str, **more: Any) -> str:
        """Send one call; return its status, and the code of an error."""
        response = self.request(method, path, **more)
        problem = response.headers.get("Content-Type") == "application/problem+json"
        return f"{response.status_code} {response.json()['code']}" if problem else str(response.status_code)
