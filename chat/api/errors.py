"""Every error under /api/ as `application/problem+json` (RFC 9457), with the contract's code words."""

import logging
import sys
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from apps_registry.support.database_errors import is_transient
from apps_registry.support.error_location import location
from apps_registry.support.metrics import REFUSALS
from apps_registry.support.paths import API_PREFIX
from apps_registry.support.request_ids import request_id
from chat.access import AppNotAuthorized, KeyNeeded, NoSuchSession
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.limits import InvalidMessage, MessageTooLarge
from chat.turns.questions import InvalidAnswer
from chat.turns.release import ReleaseUnusable
from chat.turns.start import IdempotencyMismatch
from chat.wire.problem import Problem
from keys.authentication import CHALLENGE, NO_VALID_KEY
from keys.permissions import AppPermission
from sessions_app.access import InvalidSessionId
from sessions_app.pauses import NothingWaits
from sessions_app.turns import SessionBusy, SessionOfAnotherApp
from sessions_app.user_state import InvalidUserState

logger = logging.getLogger("aomi.api")

PROBLEM_TYPE = "application/problem+json"


def problem_response(exc: Exception, context: dict[str, Any]) -> Response:
    """Return the answer to any exception of an API view; DRF's EXCEPTION_HANDLER."""
    answer = _answer(exc)
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s: %s id=%s", context["request"].path, location(exc), request_id())
    headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after else {}
    if answer.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = CHALLENGE
    body = problem(answer.status, answer.code, answer.detail)
    REFUSALS.labels(answer.status, answer.code).inc()
    return Response(body, status=answer.status, headers=headers, content_type=PROBLEM_TYPE)


def code_and_sentence(exc: Exception) -> tuple[str, str]:
    """Return what a stream, whose status is sent already, says of an exception: its code and its sentence."""
    answer = _answer(exc)
    return answer.code, answer.detail


def problem(status: int, code: str, detail: str) -> Problem:
    """Return the body; `error` repeats the sentence for older clients, `request_id` finds the log line."""
    title = HTTPStatus(status).phrase
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "error": detail,
        "request_id": request_id(),
    }


def plain_problem(status: int, code: str, detail: str) -> HttpResponse:
    """Return the same answer where no API view is at work."""
    REFUSALS.labels(status, code).inc()
    return JsonResponse(problem(status, code, detail), status=status, content_type=PROBLEM_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path; Django's handler404."""
    if _is_page(request):
        return defaults.page_not_found(request, exception)
    return plain_problem(404, "not_found", "There is nothing at this path.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nothing else caught; Django's handler500."""
    error = sys.exc_info()[1]
    is_away = error is not None and is_transient(error)
    answer = DATABASE_AWAY if is_away else SERVER_FAILED
    if not _is_page(request):
        response = plain_problem(answer.status, answer.code, answer.detail)
    elif is_away:
        response = HttpResponse(render_to_string("503.html"), status=answer.status)
    else:
        return defaults.server_error(request)
    if is_away and error is not None:
        logger.warning("%s: %s", request.path, location(error))
        response.headers["Retry-After"] = str(answer.retry_after)
        response._has_been_logged = True  # type: ignore[attr-defined]  # else Django logs a traceback
    return response


def _is_page(request: HttpRequest) -> bool:
    """Whether somebody looks at the answer: a browser, outside of the API, that asks for a page."""
    return not request.path.startswith(API_PREFIX) and "text/html" in request.headers.get("Accept", "")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an exception becomes; without a detail the exception's own sentence is told."""

    status: int
    code: str
    detail: str = ""
    retry_after: int = 0


DATABASE_AWAY = _Answer(503, "overloaded", "The database is not available; try again shortly.", 2)
MISMATCH = "This Idempotency-Key was used in this session with another message or App; nothing was stored."
SERVER_FAILED = _Answer(500, "internal_error", "The server failed; nothing is wrong with the request.")
# The first class that fits decides.
ANSWERS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], _Answer], ...] = (
    (
        (KeyNeeded, exceptions.NotAuthenticated, exceptions.AuthenticationFailed),
        _Answer(401, "invalid_app_key", NO_VALID_KEY),
    ),
    (exceptions.Throttled, _Answer(429, "rate_limited", "Too many attempts; wait.", 60)),
    ((exceptions.ValidationError, exceptions.ParseError), _Answer(400, "invalid_request")),
    ((InvalidSessionId, InvalidUserState, InvalidMessage, InvalidAnswer), _Answer(400, "invalid_request")),
    (SuspiciousOperation, _Answer(400, "invalid_request", "The request is malformed.")),
    (AppNotAuthorized, _Answer(403, AppPermission.code, AppPermission.message)),
    (SessionOfAnotherApp, _Answer(403, "session_not_available", "This session is not available to the caller.")),
    (NoSuchSession, _Answer(404, "not_found", "There is no such session.")),
    (Http404, _Answer(404, "not_found", "There is nothing at this path.")),
    (SessionBusy, _Answer(409, "session_busy", "A turn is running in this session; nothing was stored.", 1)),
    (
        NothingWaits,
        _Answer(410, "not_waiting", "No tool call of this session waits for this answer now."),
    ),
    (MessageTooLarge, _Answer(413, "message_too_large")),
    (RequestDataTooBig, _Answer(413, "message_too_large", "The request body is over the limit.")),
    (exceptions.UnsupportedMediaType, _Answer(415, "unsupported_media_type")),
    (IdempotencyMismatch, _Answer(422, "idempotency_mismatch", MISMATCH)),
    (ReleaseUnusable, _Answer(503, "release_unusable", retry_after=60)),  # until an operator has seen to it
    (ModelTimeout, _Answer(504, "model_timeout")),
    (ModelFailure, _Answer(502, "model_error")),
)


def codes(status: int) -> list[str]:
    """Return the code words that a status may come with."""
    answers = (*(answer for _, answer in ANSWERS), DATABASE_AWAY)
    return list(dict.fromkeys(answer.code for answer in answers if answer.status == status))


def _answer(exc: Exception) -> _Answer:
    for classes, answer in ANSWERS:
        if isinstance(exc, classes):
            return answer if answer.detail else replace(answer, detail=_sentence(exc))
    if isinstance(exc, exceptions.APIException):
        retry_after = getattr(exc, "retry_after", 0)
        return _Answer(exc.status_code, str(exc.get_codes()), _sentence(exc), retry_after)
    return DATABASE_AWAY if is_transient(exc) else SERVER_FAILED


def _sentence(exc: Exception) -> str:
    detail: Any = getattr(exc, "detail", str(exc))
    while isinstance(detail, list | dict):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return f"{detail}".rstrip(".") + "."
