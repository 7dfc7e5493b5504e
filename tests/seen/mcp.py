"""Responses of MCP servers as people have reported them, or as a revision allows, with their meanings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SPEC = "modelcontextprotocol.io/specification"
JSON_TYPE = {"Content-Type": "application/json"}
EVENTS = {"Content-Type": "text/event-stream"}


@dataclass
class Answer:
    """The HTTP response to one request; `ID` in the body stands in for the request's id.

    Attributes:
        read: the parsed value: a text, or names of tools; for an error, words in it.
    """

    source: str
    body: bytes
    read: Any = "7"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_TYPE)
    status: int = 200
    is_error: bool = False


def message(result: Any, **more: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": "#", "result": result, **more}).replace('"id": "#"', '"id": ID').encode()


def result(source: str, payload: Any, read: Any = "7", **more: Any) -> Answer:
    return Answer(source, message(payload), read, **more)


def body(source: str, payload: str | bytes, read: Any = "7", **more: Any) -> Answer:
    return Answer(source, payload if isinstance(payload, bytes) else payload.encode(), read, **more)


def fault(source: str, payload: Any, read: str, status: int = 200, **more: Any) -> Answer:
    text = json.dumps({"jsonrpc": "2.0", "id": "#", "error": payload, **more}).replace('"id": "#"', '"id": ID')
    return Answer(source, text.encode(), read, status=status, is_error=True)


def events(
    source: str,
    *pieces: bytes | str,
    read: Any = "7",
    kind: str = "text/event-stream",
    end: str = "\n",
    **more: Any,
) -> Answer:
    stream = b"".join(piece if isinstance(piece, bytes) else piece.encode() for piece in pieces)
    return Answer(source, stream.replace(b"\n", end.encode()), read, {"Content-Type": kind}, **more)


def content(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"content": list(parts), **more}


SEVEN = {"type": "text", "text": "7"}
OK = message(content(SEVEN))
EVENT = b"event: message\ndata: " + OK + b"\n\n"
NOTE = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"hi"}}\n\n'
PROGRESS = b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n'

# Results of a call.
CALLS: dict[str, Answer] = {
    "an id that is a text": body(
        "github.com/modelcontextprotocol/python-sdk (request ids)", OK.replace(b"ID", b'"ID"')
    ),
    "a batch of one": body(f"{SPEC}/2025-03-26/basic/transports", b"[" + OK + b"]"),
    "a batch with a notification": body(
        f"{SPEC}/2025-03-26/basic/transports",
        b'[{"jsonrpc":"2.0","method":"notifications/message","params":{}},' + OK + b"]",
    ),
    "an error that is null": Answer(
        "jsonrpc.org/specification (libraries that write all members)", message(content(SEVEN), error=None)
    ),
    "no version of JSON-RPC": body("jsonrpc.org/specification", OK.replace(b'"jsonrpc": "2.0", ', b"")),
    "a byte order mark": body("rfc-editor.org/rfc/rfc8259#section-8.1", b"\xef\xbb\xbf" + OK),
    "a charset": body("rfc-editor.org/rfc/rfc9110", OK, headers={"Content-Type": "Application/JSON; charset=UTF-8"}),
    "no content type": body("rfc-editor.org/rfc/rfc9110", OK, headers={}),
    "JSON that says it is text": body(
        "rfc-editor.org/rfc/rfc9110", OK, headers={"Content-Type": "text/plain; charset=utf-8"}
    ),
    "NaN": body(
        "docs.python.org/3/library/json.html",
        OK.replace(b'"content"', b'"structuredContent": {"a": NaN, "b": -Infinity}, "content"'),
        '7\n{"a":NaN,"b":-Infinity}',
    ),
    "an integer of 80 digits": body(
        "rfc-editor.org/rfc/rfc8259#section-6",
        OK.replace(b'"content"', b'"structuredContent": {"a": ' + b"9" * 80 + b'}, "content"'),
        '7\n{"a":%s}' % ("9" * 80),
    ),
    "line ends of Windows": events("html.spec.whatwg.org/multipage/server-sent-events.html", EVENT, end="\r\n"),
    "carriage returns alone": events("html.spec.whatwg.org/multipage/server-sent-events.html", EVENT, end="\r"),
    "no space after the colon, a mark and comments": events(
        "html.spec.whatwg.org/multipage/server-sent-events.html",
        b"\xef\xbb\xbf: hi\n\n",
        EVENT.replace(b"data: ", b"data:"),
        kind="text/event-stream;charset=UTF-8",
    ),
    "an event over several lines": events(
        "html.spec.whatwg.org/multipage/server-sent-events.html", EVENT.replace(b', "', b',\ndata: "')
    ),
    "no empty line at the end": events(
        "github.com/modelcontextprotocol/typescript-sdk (streamable HTTP)", EVENT.rstrip(b"\n")
    ),
    "notifications before": events(
        f"{SPEC}/2025-06-18/basic/transports", NOTE, PROGRESS, b"event: ping\ndata: {}\n\n", EVENT
    ),
    "another's answer before": events("jsonrpc.org/specification", EVENT.replace(b"ID", b"99"), EVENT),
    "a batch in an event": events(f"{SPEC}/2025-03-26/basic/transports", b"data: [" + OK + b"]\n\n"),
    "an event that says it is done": events(
        "platform.openai.com/docs/api-reference/streaming", EVENT, b"data: [DONE]\n\n"
    ),
    "an event of another kind": events(
        "html.spec.whatwg.org/multipage/server-sent-events.html", EVENT.replace(b"event: message", b"event: response")
    ),
    # The contents of a result.
    "content that is an object": result("servers written by hand", {"content": SEVEN}),
    "content that is a text": result("servers written by hand", {"content": "7"}),
    "content that is null": result(
        "servers that write all members", {"content": None, "structuredContent": {"a": 7}, "isError": None}, '{"a":7}'
    ),
    "no content": result(f"{SPEC}/2025-06-18/server/tools", {"structuredContent": {"a": 7}}, '{"a":7}'),
    "the oldest result": result(
        f"{SPEC} 2024-10-07 (CompatibilityCallToolResult)", {"toolResult": {"a": 7}}, '{"a":7}'
    ),
    "a result that is a text": result("servers written by hand", "7", "has no result", is_error=True),
    "a result that is a list of parts": result("servers written by hand", [SEVEN], "has no result", is_error=True),
    "a result that is an object of its own": result("servers written by hand", {"price": 7}, '{"price":7}'),
    "a text that is a number": result("servers written by hand", content({"type": "text", "text": 7})),
    "a text that is an object": result(
        "servers written by hand", content({"type": "text", "text": {"a": 7}}), '{"a":7}'
    ),
    "a text that is null": result("servers written by hand", content({"type": "text", "text": None}, SEVEN), "\n7"),
    "a part without a type": result("servers written by hand", content({"text": "7"})),
    "parts that are texts": result("servers written by hand", content("7", "8"), "7\n8"),
    "a part that says it is JSON": result(
        "github.com/modelcontextprotocol/modelcontextprotocol/discussions",
        content({"type": "json", "json": {"a": 7}}),
        '{"a":7}',
    ),
    "members that are null": result(
        "pydantic's model_dump without exclude_none",
        content({**SEVEN, "annotations": None, "_meta": None}, structuredContent=None, isError=None, _meta=None),
    ),
    "a picture": result(
        f"{SPEC}/2025-11-25/server/tools",
        content({"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"}),
        "image/png",
    ),
    "an empty text and a sound": result(
        f"{SPEC}/2025-11-25/server/tools",
        content({"type": "text", "text": ""}, {"type": "audio", "data": "UklG", "mimeType": "audio/wav"}),
        "audio/wav",
    ),
    "a link": result(
        f"{SPEC}/2025-11-25/server/tools",
        content(
            {
                "type": "resource_link",
                "uri": "file:///a.rs",
                "name": "a.rs",
                "description": "Jam",
                "mimeType": "text/x-rust",
            }
        ),
        "file:///a.rs",
    ),
    "a resource of text": result(
        f"{SPEC}/2025-11-25/server/tools",
        content({"type": "resource", "resource": {"uri": "repo://a", "mimeType": "text/plain", "text": "jam"}}),
        "jam",
    ),
    "a resource of bytes": result(
        f"{SPEC}/2025-11-25/server/tools",
        content(
            {"type": "resource", "resource": {"uri": "repo://a", "mimeType": "application/pdf", "blob": "JVBERi0="}}
        ),
        "application/pdf",
    ),
    "a list of structured content": result(
        f"{SPEC}/2026-07-28/server/tools", {"content": [], "structuredContent": [1, 2]}, "[1,2]"
    ),
    "nothing": result(f"{SPEC}/2025-11-25/server/tools", content(), ""),
    "an error that is a text": result("servers written by hand", content(SEVEN, isError="true"), "7", is_error=True),
    "no error, as a text": result("servers written by hand", content(SEVEN, isError="false")),
    "an error without words": result("servers written by hand", content(isError=True), "", is_error=True),
    "a task in place of a result": result(
        f"{SPEC}/2025-11-25/basic/utilities/tasks",
        {"task": {"taskId": "t-1", "status": "working", "createdAt": "x", "ttl": 60000, "pollInterval": 5000}},
        "task",
        is_error=True,
    ),
    "input is required": result(
        f"{SPEC}/2026-07-28/basic", {"resultType": "input_required", "inputRequests": {}}, "", is_error=True
    ),
    # Errors.
    "an error that is one text": fault("servers written by hand", "no quince", "no quince"),
    "a code that is a text": fault(
        "servers written by hand", {"code": "E_QUINCE", "message": "no quince"}, "no quince"
    ),
    "no message, but data": fault(
        "jsonrpc.org/specification#error_object", {"code": -32603, "data": {"detail": "no quince"}}, "no quince"
    ),
    "a message and data": fault(
        "jsonrpc.org/specification#error_object",
        {"code": -32602, "message": "Invalid params", "data": "token: is required"},
        "token: is required",
    ),
    "an error next to a result that is null": fault(
        "libraries that write all members", {"code": -32603, "message": "no quince"}, "no quince", result=None
    ),
    "a page to visit": fault(
        f"{SPEC}/2025-11-25/client/elicitation",
        {
            "code": -32042,
            "message": "Sign in",
            "data": {
                "elicitations": [{"mode": "url", "elicitationId": "1", "url": "https://a.example/in", "message": "x"}]
            },
        },
        "https://a.example/in",
    ),
    "an error of JSON-RPC with 400": fault(
        "github.com/modelcontextprotocol/typescript-sdk", {"code": -32602, "message": "no quince"}, "no quince", 400
    ),
    "an error of JSON-RPC with 500": fault(
        "github.com/modelcontextprotocol/typescript-sdk", {"code": -32603, "message": "no quince"}, "no quince", 500
    ),
    "an error for nobody": body(
        "jsonrpc.org/specification",
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no quince"}}',
        "no quince",
        is_error=True,
    ),
    "an error of a gateway": body(
        "docs.konghq.com", '{"message":"no quince","request_id":"x"}', "no quince", status=429, is_error=True
    ),
    "an error of a framework": body(
        "fastapi.tiangolo.com", '{"detail":"no quince"}', "no quince", status=422, is_error=True
    ),
    "an error of OAuth": body(
        "rfc-editor.org/rfc/rfc6750",
        '{"error":"insufficient_scope","error_description":"no quince"}',
        "no quince",
        status=403,
        is_error=True,
    ),
    "accepted": body(
        f"{SPEC}/2025-11-25/basic/transports", "", "did not answer", status=202, headers={}, is_error=True
    ),
    "no body": body(f"{SPEC}/2025-11-25/basic/transports", "", "did not answer", status=204, headers={}, is_error=True),
    "an empty answer": body(f"{SPEC}/2025-11-25/basic/transports", "", "did not answer", is_error=True),
    "a host that it does not know": body(
        "github.com/modelcontextprotocol/python-sdk (DNS rebinding protection)",
        "Invalid Host header",
        "421",
        status=421,
        headers={},
        is_error=True,
    ),
}

TOOL = {"name": "a", "inputSchema": {"type": "object"}}


def tools(source: str, *listed: Any, read: Any = ("a",), **more: Any) -> Answer:
    return Answer(source, message({"tools": list(listed), **more}), read)


def schema(source: str, *, read: Any = ("a",), **more: Any) -> Answer:
    """Return a tool with such a schema, which may be valid or not."""
    return tools(source, {**TOOL, "inputSchema": {"type": "object", **more}}, read=read)


# Lists of tools: names of the valid ones.
LISTS: dict[str, Answer] = {
    "a list that is null": result("Go's nil slices", {"tools": None}, ()),
    "all that may be left out is null": tools(
        "pydantic's model_dump without exclude_none",
        {
            **TOOL,
            "title": None,
            "description": None,
            "outputSchema": None,
            "icons": None,
            "annotations": None,
            "execution": None,
            "_meta": None,
        },
        nextCursor=None,
        _meta=None,
    ),
    "properties and required are null": schema("Go and C# servers", properties=None, required=None),
    "required names what is not there": schema(
        "json-schema.org", properties={"a": {"type": "string"}}, required=["a", "b"]
    ),
    "required within a property": schema(
        "json-schema.org (draft 3)", properties={"a": {"type": "string", "required": True}}
    ),
    "a pattern of another dialect": schema(
        "zod.dev (regex)", properties={"a": {"type": "string", "pattern": "^\\p{L}+(?<x>\\d)$"}}
    ),
    "a pattern that is none": schema("json-schema.org", properties={"a": {"type": "string", "pattern": "["}}, read=()),
    "a reference to a property": schema(
        "github.com/StefanTerdell/zod-to-json-schema",
        properties={"a": {"type": "object"}, "b": {"$ref": "#/properties/a"}},
    ),
    "a reference to itself": schema("json-schema.org", properties={"a": {"type": "array", "items": {"$ref": "#"}}}),
    "a default of the wrong type": schema("json-schema.org", properties={"a": {"type": "integer", "default": "x"}}),
    "formats and words of others": schema(
        "spec.openapis.org/oas/v3.1",
        properties={
            "a": {
                "type": "integer",
                "format": "uint64",
                "x-order": 1,
                "example": 7,
                "discriminator": {"propertyName": "k"},
            }
        },
    ),
    "a choice between schemas at the top": schema(
        "json-schema.org", anyOf=[{"required": ["a"]}, {"required": ["b"]}], properties={"a": {}, "b": {}}
    ),
    "a dialect of 2019": schema(
        "json-schema.org", **{"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": True}
    ),
    "an odd type": tools(
        "json-schema.org",
        TOOL,
        {"name": "b", "inputSchema": {"type": "object", "properties": {"a": {"type": "float"}}}},
    ),
    "an empty enum": schema("json-schema.org", properties={"a": {"type": "string", "enum": []}}),
    "an array of nothing known": schema("json-schema.org", properties={"a": {"type": "array"}, "b": True, "c": {}}),
    "names with dots, slashes and blanks": tools(
        f"{SPEC}/2025-11-25/server/tools#tool-names",
        {**TOOL, "name": "admin.tools/list"},
        {**TOOL, "name": "DATA_EXPORT-v2.1"},
        {**TOOL, "name": "my tool"},
        read=("admin.tools/list", "DATA_EXPORT-v2.1", "my tool"),
    ),
    "a name of 128 letters": tools(
        f"{SPEC}/2025-11-25/server/tools#tool-names", {**TOOL, "name": "n" * 128}, read=("n" * 128,)
    ),
    "a tool that must be a task": tools(
        f"{SPEC}/2025-11-25/server/tools", TOOL, {**TOOL, "name": "b", "execution": {"taskSupport": "required"}}
    ),
    "a tool that may be a task": tools(
        f"{SPEC}/2025-11-25/server/tools", {**TOOL, "execution": {"taskSupport": "optional"}}
    ),
    "icons and titles": tools(
        f"{SPEC}/2025-11-25/server/tools",
        {
            **TOOL,
            "title": "A",
            "icons": [{"src": "https://a.example/i.png"}],
            "annotations": {"title": "A", "readOnlyHint": True},
        },
    ),
    "a schema as a text": tools("servers written by hand", TOOL, {"name": "b", "inputSchema": '{"type":"object"}'}),
    "a list without its object": result("servers written by hand", [TOOL], "has no result", is_error=True),
    "tools by name": result(
        "servers written by hand",
        {"tools": {"a": {"inputSchema": {"type": "object"}}}},
        "has no list of tools",
        is_error=True,
    ),
    "OpenAI's form": tools(
        "platform.openai.com/docs/guides/function-calling",
        TOOL,
        {"type": "function", "function": {"name": "b", "parameters": {"type": "object"}}},
    ),
    "Anthropic's spelling": tools(
        "docs.anthropic.com (input_schema)", TOOL, {"name": "b", "input_schema": {"type": "object"}}
    ),
}

ABOUT = {"capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}


def hello(source: str, read: Any = ("a",), headers: Mapping[str, str] = JSON_TYPE, **about: Any) -> Answer:
    made = {"protocolVersion": "2025-06-18", **ABOUT, **about}
    return Answer(source, message({key: value for key, value in made.items() if value is not ...}), read, headers)


# The first response: names of the tools that are listed after it.
HELLOS: dict[str, Answer] = {
    "no serverInfo": hello("servers written by hand", serverInfo=...),
    "no capabilities": hello("servers written by hand", capabilities=...),
    "capabilities without tools": hello("servers written by hand", capabilities={}),
    "capabilities that are null": hello(
        "servers that write all members", capabilities={"tools": None, "prompts": None, "logging": None}
    ),
    "instructions that are null": hello("servers that write all members", instructions=None, _meta=None),
    "instructions that are a list": hello("servers written by hand", instructions=["a"]),
    "all of the newest": hello(
        f"{SPEC}/2025-11-25/schema",
        protocolVersion="2025-11-25",
        capabilities={"tools": {"listChanged": True}, "tasks": {"list": {}}, "experimental": {}},
        serverInfo={"name": "x", "version": "1", "title": "X", "icons": [], "websiteUrl": "https://a.example"},
    ),
    "a version before the first": hello(
        "github.com/modelcontextprotocol/typescript-sdk (SUPPORTED_PROTOCOL_VERSIONS)",
        "version 2024-10-07",
        protocolVersion="2024-10-07",
    ),
    "a version that is a number": hello("servers written by hand", "version", protocolVersion=1.0),
    "no version": hello("servers written by hand", "version", protocolVersion=...),
    "a session with all that may be in one": hello(
        f"{SPEC}/2025-11-25/basic/transports#session-management",
        headers={**JSON_TYPE, "mcp-session-id": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    ),
    "a session of 4,000 letters": hello(
        f"{SPEC}/2025-11-25/basic/transports#session-management", headers={**JSON_TYPE, "Mcp-Session-Id": "x" * 4000}
    ),
    "an empty session": hello("servers written by hand", headers={**JSON_TYPE, "Mcp-Session-Id": ""}),
    "over a stream": Answer(
        "github.com/modelcontextprotocol/typescript-sdk",
        b"event: message\nid: 1\ndata: " + message({"protocolVersion": "2025-06-18", **ABOUT}) + b"\n\n",
        ("a",),
        EVENTS,
    ),
}

# How servers of older revisions respond to the newest revision's discovery request, before the old handshake.
UNKNOWN: dict[str, Answer] = {
    "method not found": fault("jsonrpc.org/specification", {"code": -32601, "message": "Method not found"}, ""),
    "method not found, with 404": fault(
        "jsonrpc.org/specification", {"code": -32601, "message": "Method not found"}, "", 404
    ),
    "no session, of the SDK for Python": body(
        "github.com/modelcontextprotocol/python-sdk",
        '{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Bad Request: Missing session ID"}}',
        "",
        status=400,
    ),
    "no session, of the SDK for TypeScript": body(
        "github.com/modelcontextprotocol/typescript-sdk",
        '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}',
        "",
        status=400,
    ),
    "no session, as text": body(
        "github.com/modelcontextprotocol/go-sdk",
        "Invalid session ID\n",
        "",
        status=400,
        headers={"Content-Type": "text/plain"},
    ),
    "no session, with 404": body(
        f"{SPEC}/2025-06-18/basic/transports", '{"error":"Session not found"}', "", status=404
    ),
    "invalid params": fault(
        "github.com/modelcontextprotocol/python-sdk",
        {"code": -32602, "message": "Invalid request parameters", "data": ""},
        "",
    ),
    "an internal error, with 500": body(
        "servers written by hand",
        "<h1>Internal Server Error</h1>",
        "",
        status=500,
        headers={"Content-Type": "text/html"},
    ),
    "an unsupported version": fault(
        "github.com/modelcontextprotocol/typescript-sdk",
        {"code": -32000, "message": "Bad Request: Unsupported protocol version (supported versions: 2025-06-18)"},
        "",
        400,
    ),
    "a wrong request": body(
        "fastapi.tiangolo.com", '{"detail":[{"loc":["body","method"],"msg":"unexpected value"}]}', "", status=422
    ),
    "accepted, and no answer": body("servers written by hand", "", "", status=202, headers={}),
    "an empty answer": body("servers written by hand", "", ""),
    "a stream without an answer": body(
        "github.com/modelcontextprotocol/python-sdk (request before initialization)", "", "", headers=EVENTS
    ),
    "null": body("servers written by hand", "null", ""),
    "a result that is empty": result("servers written by hand", {}, ""),
    "unsupported media": body("servers written by hand", "", "", status=415, headers={}),
    "not acceptable": fault(
        "github.com/modelcontextprotocol/typescript-sdk", {"code": -32000, "message": "Not Acceptable"}, "", 406
    ),
    "not implemented": body("servers written by hand", "", "", status=501, headers={}),
    "versions of its own": result(
        f"{SPEC}/2026-07-28/basic",
        {"resultType": "complete", "supportedVersions": ["2025-06-18"], "capabilities": {}},
        "",
    ),
}
# How they respond to the notification that follows the handshake.
NOTIFIED: dict[str, Answer] = {
    "200 without a body": body("servers written by hand", "", "", headers={}),
    "200 with an object": body("servers written by hand", "{}", ""),
    "200 with null": body("servers written by hand", "null", ""),
    "202 with a text": body(
        "github.com/modelcontextprotocol/typescript-sdk",
        "Accepted",
        "",
        status=202,
        headers={"Content-Type": "text/plain"},
    ),
    "204": body("servers written by hand", "", "", status=204, headers={}),
    "an error of JSON-RPC": fault("servers written by hand", {"code": -32601, "message": "Method not found"}, ""),
    "400": body("servers written by hand", "", "", status=400, headers={}),
    "an empty stream": body("github.com/modelcontextprotocol/python-sdk", "", "", headers=EVENTS),
}

# How servers report that a session has ended; the call was not executed.
SESSION_GONE: dict[str, Answer] = {
    "404": body(f"{SPEC}/2025-06-18/basic/transports#session-management", "", status=404, headers={}),
    "404 with an error": fault(
        "github.com/modelcontextprotocol/typescript-sdk", {"code": -32001, "message": "Session not found"}, "", 404
    ),
    "400 of the SDK for TypeScript": fault(
        "github.com/modelcontextprotocol/typescript-sdk",
        {"code": -32000, "message": "Bad Request: No valid session ID provided"},
        "",
        400,
    ),
    "400 as text": body(
        "github.com/mark3labs/mcp-go", "Invalid session ID", status=400, headers={"Content-Type": "text/plain"}
    ),
}
