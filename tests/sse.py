"""Reads server-sent events like a client."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.client import Client
from tests.patience import scaled


def events_of(lines: "httpx2.Response") -> list[dict[str, Any]]:
    """Return all events of a finished stream."""
    return [json.loads(line.removeprefix("data: ")) for line in lines.text.splitlines() if line.startswith("data: ")]


class Updates:
    """Reads `/api/updates` in a thread and records every event."""

    def __init__(self, client: Client, *, last_event_id: str | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.ended = threading.Event()
        self._begun = threading.Event()
        headers = {"X-Session-Id": client.session_id, "AOMI-APP-KEY": client.key, "Last-Event-ID": last_event_id}
        self._headers = {name: value for name, value in headers.items() if value is not None}
        url = client.http.base_url
        self._connection = http.client.HTTPConnection(url.host, url.port, timeout=scaled(60))
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(scaled(10)), "the stream did not begin"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(scaled(5))
        self._connection.close()

    def wait_for(self, matches: Callable[[dict[str, Any]], bool], seconds: float = 10) -> dict[str, Any]:
        """Return the first event that matches."""
        deadline = time.monotonic() + scaled(seconds)
        while time.monotonic() < deadline:
            for event in list(self.events):
                if matches(event):
                    return event
            time.sleep(0.005)
        raise AssertionError(f"it did not come; there came: {self.events}")

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type_]

    def _read(self) -> None:
        try:
            self._connection.request("GET", "/api/updates", headers=self._headers)
            response = self._connection.getresponse()
            assert response.headers["Content-Type"] == "text/event-stream", response.read()
            while line := response.readline():
                self._take(line.decode().rstrip("\n"))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the test has closed the stream
        finally:
            self.ended.set()

    def _take(self, line: str) -> None:
        self._begun.set()
        if line.startswith("id: "):
            self.ids.append(line.removeprefix("id: "))
        if line.startswith("data: "):
            self.events.append(json.loads(line.removeprefix("data: ")))
