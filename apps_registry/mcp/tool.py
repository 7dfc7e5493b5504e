"""Runs the tools of MCP servers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from apps_registry.http_tools import schema
from apps_registry.http_tools.scrub import scrub
from apps_registry.http_tools.shortening import cut, cut_result
from apps_registry.http_tools.templates import render_text
from apps_registry.http_tools.tool import ERROR_MAX_CHARS, GRACE_SECONDS, Surroundings
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.mcp.errors import McpError
from apps_registry.mcp.param_headers import param_headers
from apps_registry.mcp.result import read_result
from apps_registry.mcp.session import McpSession
from apps_registry.mcp.sessions import mcp_sessions, single_session
from apps_registry.mcp.wire import Endpoint
from apps_registry.outbound.client import CallRecord
from apps_registry.support.http.origins import host_of
from apps_registry.support.text.visible_text import visible, visible_data
from apps_registry.tools.base import Tool, ToolContext, ToolError
from apps_registry.values import McpServerSettings


def mcp_tool(
    name: str,
    definition: McpToolDefinition,
    server: McpServerSettings,
    surroundings: Surroundings,
) -> Tool:
    """Return the tool for a definition.

    Args:
        name: the name that the model uses.
        definition: as the operator accepted it.
        server: how to call its server.
        surroundings: of the App that the tool belongs to.

    Raises:
        ValueError: its parameters are not a JSON Schema.
    """
    parameters = visible_data(definition.parameters)
    validator = schema.compile_schema(parameters)
    session_of = partial(_session_of, name, surroundings, keeps_session=server.keeps_session)

    async def run(arguments: Mapping[str, Any], context: ToolContext) -> str:
        endpoint = endpoint_of(server, surroundings)
        records: list[CallRecord] = []
        try:
            async with session_of(endpoint, context, records) as session:
                text, is_error = await call_tool(session, definition, arguments, records)
        except McpError as error:
            text, is_error = str(error), True
        finally:
            if context.turn_id is not None and records:
                await surroundings.store(surroundings.app_id, context.turn_id, name, records)
        readable = scrub(text, surroundings.secrets.readable_values())
        if is_error:
            raise ToolError(cut(readable, ERROR_MAX_CHARS) or "the tool failed without giving a reason")
        return cut_result(readable, server.max_result_chars)

    return Tool(
        name,
        visible(definition.description),
        {"additionalProperties": False, **parameters},
        run,
        check=partial(schema.check, validator),
        timeout_seconds=server.timeout_seconds + GRACE_SECONDS,
        is_idempotent=False,  # the server's own claim (`annotations`) cannot be trusted
    )


@asynccontextmanager
async def _session_of(
    tool: str,
    surroundings: Surroundings,
    endpoint: Endpoint,
    context: ToolContext,
    records: list[CallRecord],
    *,
    keeps_session: bool,
) -> AsyncIterator[McpSession]:
    """Yield the session for a call: the conversation's or the turn's, or a new one outside turns."""
    if context.turn_id is None:
        async with single_session(endpoint, records) as session:
            yield session
        return
    store = partial(surroundings.store, surroundings.app_id, context.turn_id, tool)
    if keeps_session and context.session_id is not None:
        yield mcp_sessions.of_conversation(context.session_id, surroundings.app_id, endpoint, store)
    else:
        yield mcp_sessions.of_turn(context.turn_id, surroundings.app_id, endpoint, store)


async def call_tool(
    session: McpSession, definition: McpToolDefinition, arguments: Mapping[str, Any], records: list[CallRecord]
) -> tuple[str, bool]:
    """Call a tool; returns the text of its result, and whether the server marks it as an error.

    Raises:
        McpError: there is no result.
    """
    params = {"name": definition.remote_name, "arguments": dict(arguments)}
    headers = partial(param_headers, definition.parameters, arguments)
    async with session.operation(records) as operation:
        return read_result(await operation.request("tools/call", params, headers=headers))


def endpoint_of(server: McpServerSettings, surroundings: Surroundings) -> Endpoint:
    """Return a server's endpoint, with secrets filled into its headers.

    Raises:
        ToolError: a secret is missing, or may not be sent to this server.
    """
    host = host_of(server.url)

    def secret(_namespace: str, name: str) -> str:
        return surroundings.secrets.value(name, host=host)

    filled = {header: render_text(template, secret) for header, template in server.headers.items()}
    allowed, only = surroundings.allowed_hosts, surroundings.only_hosts
    return Endpoint(server.url, filled, allowed, server.timeout_seconds, only)
