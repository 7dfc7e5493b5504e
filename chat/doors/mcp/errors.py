"""Errors of the protocol. Exceptions, statuses and sentences come from chat/api/errors.py."""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from apps_registry.support.http.request_ids import request_id
from chat.api.errors import problem_response
from chat.doors.mcp.protocol import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    MessageId,
    ProtocolFault,
    error_message,
)
from chat.wire.problem import Problem

# RFC 6750: tells the client, and readers of its log, where to send the key.
SIGN_IN = (
    'Bearer realm="App key", error="invalid_token", '
    'error_description="Send an App key, which the operator issues: Authorization: Bearer sk-..."'
)
NEEDS_KEY = (
    "This call needs a valid App key, which the operator issues: Authorization: Bearer sk-..., or the header "
    "AOMI-APP-KEY."
)


def error_response(exc: Exception, context: dict[str, Any]) -> Response:
    """Return the response for any exception of the view. Refused tool calls are results, not exceptions."""
    view = context["view"]
    if isinstance(exc, ProtocolFault):
        body = error_message(view.message_id, exc.code, str(exc), exc.data)
        return Response(body, status=exc.status(is_stateless=view.is_stateless))
    response = problem_response(exc, context)
    problem: Problem = response.data
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    if "WWW-Authenticate" in headers:
        headers["WWW-Authenticate"] = SIGN_IN
    code = PARSE_ERROR if isinstance(exc, ParseError) else _code(problem["status"])
    return Response(_body(view.message_id, code, problem), status=problem["status"], headers=headers)


def sentence(problem: Problem) -> str:
    """Return what a client is told; without a valid key, how clients of this protocol send one."""
    return NEEDS_KEY if problem["code"] == "invalid_app_key" else problem["detail"]


def plain_error(problem: HttpResponse, code: str, detail: str) -> HttpResponse:
    """Return an error outside of the view, with the status and headers of a problem of the API."""
    data = {"code": code, "status": problem.status_code, "request_id": request_id()}
    body = error_message(None, _code(problem.status_code), detail, data)
    response = JsonResponse(body, status=problem.status_code)
    for name, value in problem.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _body(message_id: MessageId, code: int, problem: Problem) -> dict[str, Any]:
    data = {name: problem[name] for name in ("code", "status", "request_id")}
    return error_message(message_id, code, sentence(problem), data)


def _code(status: int) -> int:
    return INTERNAL_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else INVALID_REQUEST
