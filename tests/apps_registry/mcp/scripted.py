"""A hand-written MCP server of the older revisions, which responds as each test specifies, even incorrectly."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.upstream import Handler, Received

Answer = Callable[[Handler, Any], Any]


@dataclass
class Scripted:
    """The script of the server; pass it to an upstream as its `handle`.

    Attributes:
        tools: the response to tools/list: a list, or a function from the request's params to the whole result.
        call: returns the result of a call, given its params and its session id.
        raw: bodies to send unchanged instead of a response, by method.
        refuse: method -> (status, headers, body).
        opened: ids of the sessions that were opened.
        ended: ids of those that were ended.
        gone: ids of sessions that the server no longer knows.
    """

    tools: Any = ()
    call: Callable[[Mapping[str, Any], str], Any] = lambda _params, _session: {"content": []}
    instructions: str = ""
    version: str = ""
    raw: dict[str, str] = field(default_factory=dict)
    refuse: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def __call__(self, handler: Handler, request: Received) -> None:
        if request.method == "DELETE":
            self.ended.append(request.headers.get("Mcp-Session-Id", ""))
            return handler.reply("", 204)
        if request.headers.get("Mcp-Session-Id") in self.gone:
            return handler.reply("", 404)
        rpc_request: Any = json.loads(request.body) if request.method == "POST" else {"method": request.method}
        method = rpc_request.get("method", "")
        if method in self.refuse or "*" in self.refuse:
            status, headers, body = self.refuse.get(method) or self.refuse["*"]
            return handler.reply(body, status, **as_keywords(headers))
        if "id" not in rpc_request:
            return handler.reply("", 202)
        return self._answer(handler, request, rpc_request)

    def _answer(self, handler: Handler, request: Received, rpc_request: Any) -> None:
        method, more = rpc_request["method"], {}
        if method == "initialize":
            more = {"Mcp-Session-Id": f"session-{len(self.opened)}"}
            self.opened.append(more["Mcp-Session-Id"])
        if method in self.raw:
            body = f'{{"jsonrpc":"2.0","id":{rpc_request["id"]},"result":{self.raw[method]}}}'
            return handler.reply(body, 200, **as_keywords({"Content-Type": "application/json"}))
        result = self._result(method, rpc_request.get("params", {}), request.headers.get("Mcp-Session-Id", ""))
        if result is None:
            error = {"code": -32601, "message": "Method not found"}
            return handler.reply({"jsonrpc": "2.0", "id": rpc_request["id"], "error": error})
        return handler.reply({"jsonrpc": "2.0", "id": rpc_request["id"], "result": result}, 200, **as_keywords(more))

    def _result(self, method: str, params: Any, session: str) -> Any:
        if method == "initialize":
            version = self.version or params["protocolVersion"]
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
            optional = {"instructions": self.instructions} if self.instructions else {}
            return {"protocolVersion": version, **about, **optional}
        if method == "tools/list":
            return self.tools(params) if callable(self.tools) else {"tools": list(self.tools)}
        return self.call(params, session) if method == "tools/call" else None


def as_keywords(headers: Mapping[str, str]) -> Any:
    """Headers as keyword arguments."""
    return headers


def tool(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "description": "A tool.", "inputSchema": {"type": "object", **schema}}


def text(content: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": content}], **more}
