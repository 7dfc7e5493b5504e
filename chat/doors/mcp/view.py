"""`POST /mcp` and `POST /mcp/{app}`: one message of a client, and its answer."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from apps_registry.support.http.request_notes import request_notes
from apps_registry.values import AppConfig
from chat.access import app_named, apps_to_list, check_chat, refusal_to_chat
from chat.api.answers import EventStream
from chat.api.base import ApiView
from chat.api.errors import problem_response
from chat.api.parsers import JSONParser
from chat.api.streams.guard import Opened, guard
from chat.api.streams.waiting import until_ended
from chat.doors.authentication import BearerAuthentication
from chat.doors.mcp.calls import BegunCall, ToolCall
from chat.doors.mcp.cancelling import SESSION_HEADER, call_name, cancel, let_cancel, stop
from chat.doors.mcp.errors import error_response, sentence
from chat.doors.mcp.messages import RpcMessage, message_id, read_message
from chat.doors.mcp.origins import apps_for_origin
from chat.doors.mcp.protocol import (
    CAPABILITIES,
    HANDSHAKE_VERSIONS,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    SERVER,
    STATELESS_VERSION,
    MessageId,
    ProtocolFault,
    result_message,
)
from chat.doors.mcp.results import call_result, complete, error_result
from chat.doors.mcp.streaming import call_stream
from chat.doors.mcp.tools import PREFIX, tool_name, tool_of
from chat.wire.problem import Problem
from keys.http.streams import count_stream, prefers_stream

# Operators may change the tools at any time; clients ask again after this time.
LIST_TTL_MS = 60_000


class McpView(ApiView):
    """Offers the Apps that the caller may use, or one of them, as tools."""

    schema = None  # the protocol describes itself
    authentication_classes = (BearerAuthentication,)
    parser_classes = (JSONParser,)
    http_method_names = ("post", "options")
    message_id: MessageId = None
    is_stateless = False

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Any]:
        """Return the handler that answers with errors of JSON-RPC."""
        return error_response

    async def post(self, request: Request, app: str | None = None) -> Response | EventStream[dict[str, Any]]:
        """Answer one message."""
        apps = apps_for_origin(request, await self._apps(app))
        body = cast(dict[str, Any], request.data)
        self.message_id = message_id(body)
        self.is_stateless = request.headers.get("MCP-Protocol-Version") == STATELESS_VERSION
        message = read_message(body, request.headers)
        if message.id is None:
            if message.method == "notifications/cancelled" and not message.is_stateless:
                cancel(self.caller, request.headers.get(SESSION_HEADER), message)
            return Response(status=202)
        if message.method == "tools/call":
            return await self._call(request, message, apps)
        result, headers = _answer(message, apps)
        return Response(result_message(message.id, result), headers=headers)

    async def _apps(self, slug: str | None) -> Sequence[AppConfig]:
        return await apps_to_list(self.caller) if slug is None else [await self.usable_app(slug)]

    async def _call(
        self, request: Request, message: RpcMessage, apps: Sequence[AppConfig]
    ) -> Response | EventStream[dict[str, Any]]:
        """Call a tool. A refusal is also a result, so that the model that made the call can read it."""
        app = next((app for app in apps if tool_name(app) == message.params.get("name")), None)
        if app is None:
            await self._note_missing_tool(message)
            raise ProtocolFault(INVALID_PARAMS, "There is no such tool, or this key does not open it.")
        self.note_app(check_chat(self.caller, app))
        is_stream = prefers_stream(request.headers.get("Accept", ""))
        try:
            if is_stream:
                count_stream(request._request, self.caller, is_asked=True)
            idempotency_key, named_session = map(request.headers.get, ("Idempotency-Key", "X-Session-Id"))
            begun = await ToolCall(self.caller, app, message.params, idempotency_key, named_session).begin()
        except Exception as exc:
            return self._refusal_response(message, exc)
        if not message.is_stateless:
            let_cancel(call_name(self.caller, request.headers.get(SESSION_HEADER), message.id), begun)
        opened = Opened(self.caller, begun.session_id, to_chat=True)
        if is_stream:
            result = partial(self._result, message, begun, opened)
            return EventStream(call_stream(message, begun, opened, result))
        return await self._whole(message, begun, opened)

    async def _note_missing_tool(self, message: RpcMessage) -> None:
        """Record a call of a tool that the caller does not have like other calls that name its App."""
        name = message.params.get("name")
        if not isinstance(name, str) or not name.startswith(PREFIX):
            return
        app = await app_named(self.caller, name.removeprefix(PREFIX))
        if refusal := refusal_to_chat(self.caller, app):
            self._refusal(message, refusal)

    async def _whole(self, message: RpcMessage, begun: BegunCall, opened: Opened) -> Response:
        """Wait for the result, for a client that does not accept a stream."""
        has_ended = False
        try:
            async with guard.cancelling(opened):
                await until_ended(begun.session_id, begun.running)
            has_ended = True
        except Exception as exc:
            has_ended = True
            return self._refusal_response(message, exc)
        finally:
            if not has_ended and message.is_stateless:
                stop(begun)
        return Response(result_message(message.id, await self._result(message, begun, opened)))

    async def _result(self, message: RpcMessage, begun: BegunCall, opened: Opened) -> dict[str, Any]:
        try:
            if opened.refusal is not None:
                raise opened.refusal
            return await call_result(message, begun)
        except Exception as exc:
            return self._refusal(message, exc)[0]

    def _refusal_response(self, message: RpcMessage, exc: Exception) -> Response:
        result, headers = self._refusal(message, exc)
        return Response(result_message(message.id, result), headers=headers)

    def _refusal(self, message: RpcMessage, exc: Exception) -> tuple[dict[str, Any], dict[str, str]]:
        response = problem_response(exc, {"request": self.request, "view": self})
        problem: Problem = response.data
        request_notes().status = problem["status"]
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
        headers.pop("WWW-Authenticate", None)
        retry_after = headers.get("Retry-After")
        return error_result(message, sentence(problem), code=problem["code"], retry_after=retry_after), headers


def _answer(message: RpcMessage, apps: Sequence[AppConfig]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the result of any request except a tool call, and headers."""
    listing = {"ttlMs": LIST_TTL_MS, "cacheScope": "private"} if message.is_stateless else {}
    if message.method == "tools/list":
        return complete(message, {"tools": [tool_of(app) for app in apps], **listing}), {}
    if message.method == "server/discover" and message.is_stateless:
        about = {"supportedVersions": [STATELESS_VERSION], "capabilities": CAPABILITIES, "serverInfo": SERVER}
        return complete(message, {**about, **listing}), {}
    if message.method == "initialize":
        requested = message.params.get("protocolVersion")
        version = requested if requested in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
        about = {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": SERVER}
        return about, {SESSION_HEADER: uuid.uuid4().hex}
    if message.method == "ping" and not message.is_stateless:
        return {}, {}
    raise ProtocolFault(METHOD_NOT_FOUND, "This server has no such method.")
