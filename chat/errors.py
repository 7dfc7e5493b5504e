"""Every error under /api/ as `application/problem+json` (RFC 9457), with the contract's code words."""

import logging
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from apps_registry.database import DATABASE_DOWN
from chat.providers.base import ModelFailure, ModelTimeout
from keys.authentication import NO_VALID_KEY
from sessions_app.access import InvalidSessionId
from sessions_app.turns import SessionBusy, SessionOfAnotherApp
from sessions_app.user_state import InvalidUserState

logger = logging.getLogger("aomi.api")

PROBLEM_TYPE = "application/problem+json"
TRACE_FRAMES = 6
ANOTHER_APPS_SESSION = "This session is not available to the caller."


class MessageTooLarge(exceptions.APIException):
    """The message is over the limit, which the detail gives."""

    status_code = 413
    default_code = "message_too_large"


class SessionNotAvailable(exceptions.PermissionDenied):
    """The session belongs to another App."""

    default_detail = ANOTHER_APPS_SESSION
    default_code = "session_not_available"


def problem_response(exc: Exception, context: dict[str, Any]) -> Response:
    """Return the answer to any exception of an API view; DRF's EXCEPTION_HANDLER."""
    status, code, detail, headers = _describe(exc)
    if status >= 500 and status != HTTPStatus.SERVICE_UNAVAILABLE and not isinstance(exc, ModelFailure):
        logger.error("%s: %s", context["request"].path, place(exc))
    challenge = getattr(exc, "auth_header", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    return Response(problem(status, code, detail), status=status, headers=headers, content_type=PROBLEM_TYPE)


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    """Return the body; `error` repeats the sentence for clients that read only that."""
    title = HTTPStatus(status).phrase
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "error": detail,
    }


def plain_problem(status: int, code: str, detail: str) -> HttpResponse:
    """Return the same answer where no API view is at work."""
    return JsonResponse(problem(status, code, detail), status=status, content_type=PROBLEM_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path; Django's handler404."""
    if request.path.startswith("/api/"):
        return plain_problem(404, "not_found", "There is nothing at this path.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nothing else caught; Django's handler500."""
    if request.path.startswith("/api/"):
        return plain_problem(500, "internal_error", "The server failed; nothing is wrong with the request.")
    return defaults.server_error(request)


def place(error: BaseException) -> str:
    """Name an exception's type and the calls that led to it, innermost first.

    Its own text may quote what a caller sent, so that is left out.
    """
    frames = traceback.extract_tb(error.__traceback__)[-TRACE_FRAMES:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"


def _describe(exc: Exception) -> tuple[int, str, str, dict[str, str]]:
    """Return status, code, detail and headers."""
    match exc:
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return 401, "invalid_app_key", NO_VALID_KEY, {}
        case exceptions.Throttled():
            return (
                429,
                "rate_limited",
                "Too many attempts; wait.",
                {"Retry-After": str(int(getattr(exc, "wait", None) or 60))},
            )
        case exceptions.ValidationError() | exceptions.ParseError():
            return 400, "invalid_request", _first_sentence(exc.detail), {}
        case exceptions.APIException():
            retry_after = getattr(exc, "retry_after", None)
            code = "not_found" if isinstance(exc, exceptions.NotFound) else str(exc.get_codes())
            headers = {"Retry-After": str(retry_after)} if retry_after else {}
            return exc.status_code, code, _first_sentence(exc.detail), headers
        case InvalidSessionId() | InvalidUserState():
            return 400, "invalid_request", f"{exc}.", {}
        case SessionBusy():
            return (
                409,
                "session_busy",
                "A turn is running in this session; nothing was stored.",
                {"Retry-After": "1"},
            )
        case SessionOfAnotherApp():
            return 403, "session_not_available", ANOTHER_APPS_SESSION, {}
        case ModelTimeout():
            return 504, exc.code, str(exc), {}
        case ModelFailure():
            return 502, exc.code, str(exc), {}
        case RequestDataTooBig():
            return 413, "message_too_large", "The request body is over the limit.", {}
        case SuspiciousOperation():
            return 400, "invalid_request", "The request is malformed.", {}
        case Http404():
            return 404, "not_found", "There is nothing at this path.", {}
        case _ if isinstance(exc, DATABASE_DOWN):
            return (
                503,
                "overloaded",
                "The database is not available; try again shortly.",
                {"Retry-After": "2"},
            )
        case _:
            return 500, "internal_error", "The server failed; nothing is wrong with the request.", {}


def _first_sentence(detail: Any) -> str:
    while isinstance(detail, list | dict):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return str(detail)
