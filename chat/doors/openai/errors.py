"""Errors in the envelope of OpenAI's protocol: https://platform.openai.com/docs/guides/error-codes.

Exceptions, statuses and sentences come from chat/api/errors.py; only names and form differ.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse, JsonResponse
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from apps_registry.support.http.request_notes import Fact
from chat.api.errors import count_refusal, problem_response
from chat.api.unreadable import Unreadable
from chat.turns.input.client_tools import InvalidClientTool
from chat.turns.input.limits import InvalidMessage, MessageTooLarge
from chat.turns.input.options import ToolsNotTaken
from chat.turns.start import IdempotencyMismatch
from chat.wire.problem import Problem
from keys.http.authentication import CHALLENGE

BEARER = "Bearer"
TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.CONFLICT: "conflict_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}
# This server's codes for which OpenAI has a code that clients know.
CODES = {
    "invalid_app_key": "invalid_api_key",
    "app_not_authorized": "model_not_found",
    "budget_exhausted": "insufficient_quota",
    "rate_limited": "rate_limit_exceeded",
}
NEEDS_KEY = (
    "This call needs a valid App key, which the operator issues: Authorization: Bearer sk-..., or the header "
    "AOMI-APP-KEY."
)
# What a refusal names that is about no parameter of the body.
WHOLE_BODY, QUERY, IDEMPOTENCY_KEY = "body", "query", "Idempotency-Key"
NO_SUCH_MODEL = "There is no such model, or this key does not open it."


class InvalidParameter(ValueError):
    """A parameter that cannot be used.

    Attributes:
        param: the parameter's name.
        code: the error code.
    """

    def __init__(self, param: str, problem: str, *, code: str = "invalid_value") -> None:
        super().__init__(f"{param}: {problem}.")
        self.param, self.code = param, code


class UnsupportedType(InvalidParameter):
    """A part, an item or a tool has a type that is not supported, or none."""

    def __init__(self, param: str, kind: object, instead: str) -> None:
        named = f"the type {kind!r} is not supported" if isinstance(kind, str) else "it has no type"
        super().__init__(param, f"{named}; {instead}", code="unsupported_value")


class NoSuchModel(Exception):
    """The caller may not use an App with this name, or the App has no such model.

    Attributes:
        rule: which of these, for operators.
    """

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule


class NoSuchObject(Exception):
    """There is no such object for the caller; the exception's text says what is missing.

    Attributes:
        param: the parameter that names the object; None if the path does.
        code: the error code.
        rule, facts: for operators: why it does not exist for the caller.
    """

    def __init__(
        self,
        sentence: str,
        *,
        param: str | None = None,
        code: str = "not_found",
        hidden: Exception | None = None,
    ) -> None:
        super().__init__(sentence)
        self.param, self.code = param, code
        self.rule: str = getattr(hidden, "rule", "object_unknown")
        self.facts: Mapping[str, Fact] = getattr(hidden, "facts", {})


def error_response(exc: Exception, context: dict[str, Any]) -> Response:
    """Return the response for any exception of a view under /v1; see `problem_response`."""
    if isinstance(exc, InvalidParameter):
        count_refusal("invalid_request")
        return _invalid(exc)
    if isinstance(exc, NoSuchModel):
        count_refusal("not_found", exc.rule)
        return Response(_no_such_model(), status=HTTPStatus.NOT_FOUND)
    if isinstance(exc, NoSuchObject):
        count_refusal("not_found", exc.rule, **exc.facts)
        body = envelope(HTTPStatus.NOT_FOUND, exc.code, str(exc), param=exc.param)
        return Response(body, status=HTTPStatus.NOT_FOUND)
    response = problem_response(exc, context)
    if (refused := _as_parameter(exc, context["view"])) is not None:
        return _invalid(refused)
    problem: Problem = response.data
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    if problem["code"] == "app_not_authorized":
        return Response(_no_such_model(), status=HTTPStatus.NOT_FOUND, headers=headers)
    if headers.get("WWW-Authenticate") == CHALLENGE:
        headers["WWW-Authenticate"] = BEARER
    body = of_problem(problem, param=_param(exc, context["view"]))
    return Response(body, status=problem["status"], headers=headers)


def of_problem(problem: Problem, *, param: str | None = None) -> dict[str, Any]:
    """Return a problem of the API in OpenAI's envelope."""
    message = NEEDS_KEY if problem["code"] == "invalid_app_key" else problem["detail"]
    return envelope(problem["status"], problem["code"], message, param=param)


def plain_error(problem: HttpResponse, code: str, detail: str, param: str | None = None) -> HttpResponse:
    """Return an error outside of views, with the status and headers of a problem of the API."""
    response = JsonResponse(envelope(problem.status_code, code, detail, param=param), status=problem.status_code)
    for name, value in problem.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def envelope(status: int, code: str, message: str, *, param: str | None = None) -> dict[str, Any]:
    """Return the body of an error."""
    is_of_server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = "server_error" if is_of_server else TYPES.get(HTTPStatus(status), "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": CODES.get(code, code)}}


def _no_such_model() -> dict[str, Any]:
    return envelope(HTTPStatus.NOT_FOUND, "model_not_found", NO_SUCH_MODEL, param="model")


def _invalid(exc: InvalidParameter) -> Response:
    body = envelope(HTTPStatus.BAD_REQUEST, exc.code, str(exc), param=exc.param)
    return Response(body, status=HTTPStatus.BAD_REQUEST)


def _as_parameter(exc: Exception, view: Any) -> InvalidParameter | None:
    """Return a refusal that knows no names of this protocol as one of a parameter; None if it is none.

    Args:
        exc: the exception.
        view: the view, which says where requests have their message and the parts of their tools.
    """
    match exc:
        case ToolsNotTaken():
            return InvalidParameter(
                "tools", "this App does not accept tools from callers", code="unsupported_parameter"
            )
        case InvalidClientTool():
            return InvalidParameter(exc.path("tools", view.tool_field), exc.problem)
        case InvalidMessage():
            return InvalidParameter(view.message_param, f"the {exc}".rstrip("."))
        case Unreadable():
            return InvalidParameter(exc.param, exc.problem)
    return None


def _param(exc: Exception, view: Any) -> str | None:
    """Return what another refusal is about, if it is a part of the request that has a name."""
    match exc:
        case ParseError():
            return WHOLE_BODY
        case SuspiciousOperation():  # such as too many fields
            return QUERY
        case MessageTooLarge():
            return str(view.message_param)
        case IdempotencyMismatch():
            return IDEMPOTENCY_KEY
    return None
