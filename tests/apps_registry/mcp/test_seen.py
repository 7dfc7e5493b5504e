"""Responses that MCP servers really sent, or that a revision allows, and what is read of each."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from apps_registry.mcp.definition import define, find_problem
from apps_registry.mcp.errors import McpError
from apps_registry.mcp.offer import read_offer
from apps_registry.mcp.result import read_result
from apps_registry.mcp.session import Operation
from apps_registry.mcp.sessions import single_session
from apps_registry.mcp.wire import Endpoint
from tests.apps_registry.mcp.scripted import text
from tests.seen.mcp import ABOUT, CALLS, HELLOS, LISTS, NOTIFIED, SESSION_GONE, TOOL, UNKNOWN, Answer
from tests.upstream import Handler, Received, Upstream


@dataclass
class Server:
    """Responds as revision 2025-06-18, except for the methods whose response a test gives."""

    answers: Mapping[str, Answer]

    def __call__(self, handler: Handler, request: Received) -> None:
        asked: Any = json.loads(request.body) if request.body else {"method": request.method}
        method, request_id = asked["method"], asked.get("id")
        if method in self.answers:
            send(handler, self.answers[method], request_id)
        elif request_id is None:
            handler.reply("", 202)
        else:
            handler.reply({"jsonrpc": "2.0", "id": request_id, **answered(method)})


def answered(method: str) -> dict[str, Any]:
    about = {"protocolVersion": "2025-06-18", **ABOUT}
    results = {"initialize": about, "tools/list": {"tools": [TOOL]}, "tools/call": text("7")}
    unknown = {"error": {"code": -32601, "message": "Method not found"}}
    return {"result": results[method]} if method in results else unknown


def send(handler: Handler, answer: Answer, request_id: object) -> None:
    body = answer.body.replace(b"ID", json.dumps(request_id).encode())
    handler.send_response(answer.status)
    for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


async def call(operation: Operation) -> tuple[str, bool]:
    return read_result(await operation.request("tools/call", {"name": "a", "arguments": {}}))


async def listed(operation: Operation) -> tuple[str, ...]:
    """Return the names of the usable tools."""
    offer = await read_offer(operation)
    return tuple(tool.name for tool in offer.tools if find_problem(define(tool)) is None)


def having(upstream: Upstream, does: Any) -> Any:
    """Return the outcome of an operation on a server that does this."""

    async def run() -> Any:
        endpoint = Endpoint(f"{upstream.url}/mcp", {}, frozenset({upstream.host}), 20)
        async with single_session(endpoint, []) as session, session.operation([]) as operation:
            return await does(operation)

    return asyncio.run(run())


@pytest.mark.parametrize("answer", CALLS.values(), ids=CALLS)
def test_the_result_of_a_call_is_read_as_it_was_meant(upstream: Upstream, answer: Answer) -> None:
    upstream.handle = Server({"tools/call": answer})
    try:
        read, is_error = having(upstream, call)
    except McpError as error:
        read, is_error = str(error), True
    assert is_error is answer.is_error, read
    assert answer.read in read.replace('": ', '":')


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        pytest.param(method, answer, id=name)
        for method, table in {
            "tools/list": LISTS,
            "initialize": HELLOS,
            "server/discover": UNKNOWN,
            "notifications/initialized": NOTIFIED,
        }.items()
        for name, answer in table.items()
    ],
)
def test_tools_are_listed_whatever_comes_before_them(upstream: Upstream, method: str, answer: Answer) -> None:
    upstream.handle = Server({method: answer})
    if isinstance(answer.read, str) and answer.read:
        with pytest.raises(McpError, match=answer.read):
            having(upstream, listed)
    else:
        assert having(upstream, listed) == (("a",) if answer.read == "" else answer.read)


@pytest.mark.parametrize("gone", SESSION_GONE.values(), ids=SESSION_GONE)
def test_a_lost_session_is_replaced_however_the_server_reports_it(upstream: Upstream, gone: Answer) -> None:
    """Restarted servers do not know the session."""
    begun: list[str] = []
    server = Server({})

    def handle(handler: Handler, request: Received) -> None:
        if b'"initialize"' in request.body:
            begun.append(f"session-{len(begun)}")
            about = answered("initialize")
            more = {"Mcp-Session-Id": begun[-1]}
            handler.reply({"jsonrpc": "2.0", "id": json.loads(request.body)["id"], **about}, 200, **more)
        elif b'"tools/call"' in request.body and request.headers.get("Mcp-Session-Id") == "session-0":
            send(handler, gone, json.loads(request.body)["id"])
        else:
            server(handler, request)

    upstream.handle = handle
    assert having(upstream, call) == ("7", False)
    assert len(begun) == 2
