"""Listings and errors as MCP servers really write them: usable tools are listed, and all others are named."""

from collections.abc import Callable
from typing import Any

import pytest

from apps_registry.mcp.errors import McpError
from apps_registry.models import App, OutboundCall
from apps_registry.models.mcp import McpServer
from apps_registry.services.mcp_servers import choose, refresh, states
from tests.apps_registry.mcp.scripted import Scripted, tool
from tests.commands import Result
from tests.patience import scaled
from tests.upstream import Upstream


@pytest.fixture
def odd(app: App, upstream: Upstream) -> McpServer:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    app.refresh_from_db()
    return McpServer.objects.create(app=app, slug="odd", url=f"{upstream.url}/mcp", timeout_seconds=scaled(8))


def refreshed(server: McpServer, upstream: Upstream, **script: Any) -> list[str]:
    """Refresh the list of a server with these responses; return the names of the tools that it offers."""
    upstream.handle = Scripted(**script)
    refresh(server)
    server.refresh_from_db()
    return [tool_state.remote_name for tool_state in states(server)]


def complaint(server: McpServer, upstream: Upstream, **script: Any) -> str:
    with pytest.raises(McpError) as raised:
        refreshed(server, upstream, **script)
    return str(raised.value)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('{"name":"bad","description":"x"}', "no inputSchema"),
        ('{"name":"bad","inputSchema":[]}', "not an object"),
        ('{"name":"bad","inputSchema":{"properties":{}}}', '"type": "object"'),
        ('{"name":"bad","inputSchema":{"type":"object"},"outputSchema":"text"}', "outputSchema"),
        ('{"name":"bad","inputSchema":{"type":"object","properties":{"a":{"maximum":%s}}}}' % ("9" * 5000), "number"),
        ('{"name":"bad","inputSchema":{"type":"object","x":%s}}' % ("[" * 120 + "]" * 120), "nested too deeply"),
        ('{"name":"good","inputSchema":{"type":"object"}}', "twice"),
        ('{"name":7,"inputSchema":{"type":"object"}}', "no name"),
        ('"bad"', "not described by an object"),
    ],
)
def test_one_invalid_tool_is_left_out_by_name(
    odd: McpServer, upstream: Upstream, manage: Callable[..., Result], bad: str, why: str
) -> None:
    good = '{"name":"good","inputSchema":{"type":"object"}}'
    other = '{"name":"other","description":null,"inputSchema":{"type":"object"},"annotations":5}'
    listed = f'{{"tools":[{good},{bad},{other}]}}'
    assert refreshed(odd, upstream, raw={"tools/list": listed}) == ["good", "other"]
    ((name, reason),) = odd.left_out
    assert why in reason
    assert name == {'"bad"': "tool 2 of the list"}.get(bad, name)
    assert choose(odd, ["good", "other"]) == ["Added odd_good", "Added odd_other"]
    shown = manage("refresh_mcp", odd.app.slug, "odd").out
    assert f"!  {name}  left out  {reason}" in shown


def test_pages_are_read_up_to_the_limit_of_tools(odd: McpServer, upstream: Upstream) -> None:
    def paged(params: Any) -> Any:
        number = int(params.get("cursor", 0))
        more = {"nextCursor": str(number + 1)} if number < 20 else {}
        return {"tools": [tool(f"t{number}_{index}") for index in range(10)], **more}

    assert len(refreshed(odd, upstream, tools=paged)) == 210


def test_more_tools_than_the_limit_are_refused(odd: McpServer, upstream: Upstream) -> None:
    assert "more than 500 tools" in complaint(odd, upstream, tools=[tool(f"t{index}") for index in range(501)])


@pytest.mark.parametrize("cursor", ["same", "", 7, None])
def test_a_cursor_that_does_not_advance_ends_the_listing(odd: McpServer, upstream: Upstream, cursor: Any) -> None:
    names = refreshed(odd, upstream, tools=lambda params: {"tools": [tool("a")], "nextCursor": cursor})
    assert names == ["a"]
    listed = [request for request in upstream.received if b"tools/list" in request.body]
    assert len(listed) <= 2


def test_older_spellings_of_schemas_are_converted(odd: McpServer, upstream: Upstream) -> None:
    """As written by zod-to-json-schema, pydantic 1 and OpenAPI."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.com/tool.json",
        "definitions": {"point": {"type": "array", "items": [{"type": "number"}], "additionalItems": False}},
        "properties": {
            "at": {"$ref": "#/definitions/point"},
            "n": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
            "items": {"type": "string", "nullable": True},
        },
        "dependencies": {"at": ["n"]},
    }
    refreshed(odd, upstream, tools=[tool("draw", **schema)])
    assert choose(odd, ["draw"]) == ["Added odd_draw"]
    (state,) = states(odd)
    assert state.accepted is not None
    lifted = state.accepted.parameters
    point = {"type": "array", "prefixItems": [{"type": "number"}], "items": False}
    assert lifted["$defs"] == {"point": point}
    assert lifted["properties"]["at"] == {"$ref": "#/$defs/point"}
    assert lifted["properties"]["n"] == {"type": "number", "exclusiveMinimum": 0}
    assert lifted["properties"]["items"] == {"type": ["string", "null"]}
    assert lifted["dependentRequired"] == {"at": ["n"]}
    assert not {"$schema", "$id", "definitions", "dependencies"} & set(lifted)


BEARER = {"WWW-Authenticate": 'Bearer resource_metadata="https://auth.example/x"'}


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, {}, "answered 401: it requires a token; set the Authorization header"),
        (401, BEARER, 'its challenge: Bearer resource_metadata="https://auth.example/x"'),
        (403, {}, "answered 403: it refuses this caller"),
        (404, {}, "answered 404: there is nothing at this address"),
        (405, {"Allow": "GET"}, "answered 405: it does not accept POST here: it uses the old SSE transport"),
        (429, {}, "answered 429: it has had too many requests"),
        (500, {}, "answered 500: it failed"),
        (503, {}, "answered 503: it failed"),
        (302, {"Location": "https://other.example/"}, "answered 302: it redirects to another address"),
    ],
)
def test_errors_keep_their_status_and_say_what_to_do(
    odd: McpServer, upstream: Upstream, status: int, headers: dict[str, str], words: str
) -> None:
    message = complaint(odd, upstream, refuse={"*": (status, headers, "<h1>No</h1>")})
    assert words in message
    row = OutboundCall.objects.filter(app=odd.app).latest("id")
    assert (row.status, row.verdict) == (status, "answered")


def test_a_refused_token_is_reported(odd: McpServer, upstream: Upstream) -> None:
    McpServer.objects.filter(pk=odd.pk).update(headers={"authorization": "Bearer wrong"})
    odd.refresh_from_db()
    message = complaint(odd, upstream, refuse={"*": (401, {}, "")})
    assert "401: it does not accept the Authorization header" in message
    assert len(upstream.received) == 1  # not tried again with the handshake


def test_the_words_of_a_json_rpc_error_are_kept(odd: McpServer, upstream: Upstream) -> None:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32602, "message": "no such\u202e tenant"}}
    assert "400: it does not accept the request. It says: no such tenant" in complaint(
        odd, upstream, refuse={"initialize": (400, {}, body)}
    )
    assert complaint(odd, upstream, tools=lambda _: None) == "the server answered: Method not found"


@pytest.mark.parametrize("version", ["2031-01-01", ""])
def test_another_version_is_named(odd: McpServer, upstream: Upstream, version: str) -> None:
    if version:
        assert "it supports version 2031-01-01 of MCP, and this server 2024-11-05," in complaint(
            odd, upstream, version=version
        )
    error = {"code": -32022, "message": "Unsupported", "data": {"supported": ["2031-01-01"], "requested": "x"}}
    refusal = {"jsonrpc": "2.0", "id": 1, "error": error}
    assert "it supports version 2031-01-01" in complaint(odd, upstream, refuse={"*": (400, {}, refusal)})


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_older_revisions_are_supported(odd: McpServer, upstream: Upstream, version: str) -> None:
    assert refreshed(odd, upstream, version=version, tools=[tool("a")]) == ["a"]
    assert {
        request.headers.get("MCP-Protocol-Version") for request in upstream.received if b"tools/list" in request.body
    } == {version}


LIBRARY_WORDS = ("pydantic", "validation error", "ValidationError", "input_value", "4300", "int_max_str", "Expecting")


@pytest.mark.parametrize("method", ["initialize", "tools/list"])
@pytest.mark.parametrize(
    "result",
    ["5", "null", '"text"', "[]", "{}", '{"tools":5}', '{"tools":{"a":1}}', "{", "9" * 5000, "[" * 3000 + "]" * 3000],
)
def test_no_words_of_a_library_reach_an_operator(odd: McpServer, upstream: Upstream, method: str, result: str) -> None:
    message = complaint(odd, upstream, raw={method: result})
    assert message.startswith(("it", "the server answered"))
    assert not any(word in message for word in LIBRARY_WORDS)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("text/html", "<p>Sign in", "it answers with text/html, which is not MCP; check the URL"),
        ("application/json", "not json", "its answer is not JSON"),
        ("application/json", '{"jsonrpc":"2.0","id":99,"result":{}}', "its answer does not belong to the request"),
        ("text/event-stream", "data: nonsense\n\n", "its answer is not JSON"),
        ("text/event-stream", ": nothing\n\n", "its stream of events ended without an answer"),
    ],
)
def test_a_response_that_is_not_mcp_is_reported(
    odd: McpServer, upstream: Upstream, kind: str, body: str, words: str
) -> None:
    assert words in complaint(odd, upstream, refuse={"*": (200, {"Content-Type": kind}, body)})


def test_no_cookie_is_kept_within_a_connection(odd: McpServer, upstream: Upstream) -> None:
    script = Scripted(tools=[tool("a")])

    def bakes(handler: Any, request: Any) -> None:
        reply = handler.reply
        handler.reply = lambda body="", status=200, **more: reply(body, status, **{"Set-Cookie": "who=you", **more})
        script(handler, request)

    upstream.handle = bakes
    refresh(odd)
    assert len(upstream.received) >= 4
    assert not any("Cookie" in request.headers for request in upstream.received)
