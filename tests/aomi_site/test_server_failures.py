"""Responses to requests that fail before a view can respond."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from aomi_site import asgi

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/api/chat",
    "raw_path": b"/api/chat",
    "query_string": b"message=hello",
    "root_path": "",
    "scheme": "http",
    "headers": [(b"host", b"127.0.0.1")],
    "client": ("127.0.0.1", 5000),
    "server": ("127.0.0.1", 8000),
}


async def broken() -> Mapping[str, Any]:
    """A connection that fails in an unexpected way."""
    raise RuntimeError("words of the caller")


def test_a_failure_outside_of_any_view_is_a_problem(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(asgi.application(SCOPE, broken, send))
    start, body = sent
    headers = dict(start["headers"])
    problem = json.loads(body["body"])
    assert (start["status"], problem["code"]) == (500, "internal_error")
    assert headers[b"x-request-id"].decode() == problem["request_id"]
    assert headers[b"cache-control"] == b"no-store"
    assert "RuntimeError at" in caplog.text
    assert problem["request_id"] in caplog.text
    assert "words of the caller" not in caplog.text
