"""Turns every error under /api/ into `application/problem+json` (RFC 9457) with an error code."""

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
from apps_registry.support.http.paths import API_PREFIX
from apps_registry.support.http.request_ids import request_id
from apps_registry.support.http.request_notes import Fact, note_refusal, request_notes
from apps_registry.support.http.request_sources import NetworkNotAllowed, OriginNotAllowed
from apps_registry.support.metrics import REFUSALS
from chat.access import AppKeyNeeded, AppNotAuthorized, KeyNeeded, NoSuchSession, SessionNotOfToken
from chat.api.error_codes import STATUS
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.input.client_tools import InvalidClientTool
from chat.turns.input.limits import InvalidMessage, MessageTooLarge, OutOfBudget
from chat.turns.input.options import ToolsNotTaken
from chat.turns.pausing.questions import InvalidAnswer
from chat.turns.release import ReleaseUnusable
from chat.turns.start import IdempotencyMismatch
from chat.wire.problem import Problem
from keys.guards.errors import CallerLimit
from keys.http.authentication import CHALLENGE, NO_VALID_KEY
from keys.http.limits import headers as limit_headers
from keys.http.limits import sentence as limit_sentence
from keys.http.permissions import AppPermission
from keys.limits.values import LimitExceeded
from sessions_app.access import InvalidSessionId
from sessions_app.turns.pauses import NothingWaits
from sessions_app.turns.values import SessionBusy, SessionOfAnotherApp, SessionOfAnotherWallet
from sessions_app.user_state import InvalidUserState

logger = logging.getLogger("aomi.api")

PROBLEM_TYPE = "application/problem+json"
HTTP_SERVER_ERRORS = 500
UNKNOWN_PATH = "path_unknown"


def problem_response(exc: Exception, context: dict[str, Any]) -> Response:
    """Return the response for any exception of an API view; DRF's EXCEPTION_HANDLER."""
    answer = _answer(exc)
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s: %s id=%s", context["request"].path, location(exc), request_id())
    headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after else {}
    if exceeded := _limit_of(exc):
        headers |= limit_headers(exceeded)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = CHALLENGE
    body = problem(answer.code, answer.detail)
    REFUSALS.labels(answer.status, answer.code).inc()
    return Response(body, status=answer.status, headers=headers, content_type=PROBLEM_TYPE)


def code_and_sentence(exc: Exception) -> tuple[str, str]:
    """Return an exception's code and sentence, for a stream that has already sent its status."""
    answer = _answer(exc)
    return answer.code, answer.detail


def problem(code: str, detail: str) -> Problem:
    """Return the body of an error; older clients read `error`, and operators find the log line by `request_id`."""
    status = STATUS[code]
    request_notes().code = code
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


def plain_problem(code: str, detail: str, *, rule: str = "") -> HttpResponse:
    """Return an error response outside of API views.

    Args:
        code: the error code.
        detail: the sentence for the client.
        rule: the word for operators, if the code does not say enough.
    """
    count_refusal(code, rule)
    return JsonResponse(problem(code, detail), status=STATUS[code], content_type=PROBLEM_TYPE)


def count_refusal(code: str, rule: str = "", **facts: Fact) -> None:
    """Note a refusal for its record and for the metrics, for responses that `problem_response` does not make.

    Args:
        code: the error code.
        rule: the word for operators, if the code does not say enough.
        facts: what the rule compared.
    """
    request_notes().code = code
    note_refusal(rule or code, **facts)
    REFUSALS.labels(STATUS[code], code).inc()


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path; Django's handler404."""
    if _is_page(request):
        return defaults.page_not_found(request, exception)
    return plain_problem("not_found", "There is nothing at this path.", rule=UNKNOWN_PATH)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that no other code caught; Django's handler500."""
    error = sys.exc_info()[1]
    is_away = error is not None and is_transient(error)
    answer = DATABASE_AWAY if is_away else SERVER_FAILED
    if not _is_page(request):
        response = plain_problem(answer.code, answer.detail, rule=answer.rule)
    elif is_away:
        response = HttpResponse(render_to_string("503.html"), status=answer.status)
    else:
        return HttpResponse(render_to_string("500.html", {"request_id": request_id()}), status=answer.status)
    if is_away and error is not None:
        logger.warning("%s: %s", request.path, location(error))
        response.headers["Retry-After"] = str(answer.retry_after)
        response._has_been_logged = True  # type: ignore[attr-defined]  # else Django logs a traceback
    return response


def _is_page(request: HttpRequest) -> bool:
    """Return whether a browser requests a page, outside of the API."""
    return not request.path.startswith(API_PREFIX) and "text/html" in request.headers.get("Accept", "")


@dataclass(frozen=True, slots=True)
class _Answer:
    """The response for an exception; an empty detail means the exception's own text.

    `rule` is the word that operators see, if neither the exception nor the code says enough.
    """

    code: str
    detail: str = ""
    retry_after: int = 0
    rule: str = ""

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS[self.code]


TOO_MANY_ATTEMPTS = _Answer("rate_limited", "Too many attempts; wait.", 60)
DATABASE_AWAY = _Answer("overloaded", "The database is not available; try again shortly.", 2, "database_away")
MISMATCH = "This Idempotency-Key was used in this session with another message or App; nothing was stored."
SERVER_FAILED = _Answer("internal_error", "The server failed; nothing is wrong with the request.")
# The first match wins.
ANSWERS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], _Answer], ...] = (
    (
        (KeyNeeded, exceptions.NotAuthenticated, exceptions.AuthenticationFailed),
        _Answer("invalid_app_key", NO_VALID_KEY),
    ),
    (exceptions.Throttled, TOO_MANY_ATTEMPTS),
    ((exceptions.ValidationError, exceptions.ParseError), _Answer("invalid_request")),
    ((InvalidSessionId, InvalidUserState, InvalidMessage, InvalidAnswer), _Answer("invalid_request")),
    (InvalidClientTool, _Answer("invalid_request")),
    (ToolsNotTaken, _Answer("invalid_request", "client_tools: this App does not accept tools from callers.")),
    (SuspiciousOperation, _Answer("invalid_request", "The request is malformed.")),
    (AppNotAuthorized, _Answer(AppPermission.code, AppPermission.message)),
    (AppKeyNeeded, _Answer("app_not_authorized", "This call needs the App key itself, not a browser token.")),
    (
        (SessionOfAnotherApp, SessionNotOfToken),
        _Answer("session_not_available", "This session is not available to the caller."),
    ),
    (
        SessionOfAnotherWallet,
        _Answer("session_not_available", "The browser token is for another wallet than the session or the call."),
    ),
    (OriginNotAllowed, _Answer("origin_not_allowed", "Calls from this origin, or without one, are not allowed.")),
    (NetworkNotAllowed, _Answer("network_not_allowed", "Calls from this network are not allowed.")),
    (NoSuchSession, _Answer("not_found", "There is no such session.")),
    (Http404, _Answer("not_found", "There is nothing at this path.", rule=UNKNOWN_PATH)),
    (SessionBusy, _Answer("session_busy", "A turn is running in this session; nothing was stored.", 1)),
    (
        NothingWaits,
        _Answer("not_waiting", "No tool call of this session waits for this answer now."),
    ),
    (MessageTooLarge, _Answer("message_too_large")),
    (RequestDataTooBig, _Answer("message_too_large", "The request body is over the limit.", rule="body_too_large")),
    (exceptions.UnsupportedMediaType, _Answer("unsupported_media_type")),
    (IdempotencyMismatch, _Answer("idempotency_mismatch", MISMATCH)),
    (ReleaseUnusable, _Answer("release_unusable", retry_after=60)),  # an operator must fix it first
    (ModelTimeout, _Answer("model_timeout")),
    (ModelFailure, _Answer("model_error")),
)


def _limit_of(exc: Exception) -> LimitExceeded | None:
    """Return the limit that an exception is about, if any."""
    return exc.exceeded if isinstance(exc, OutOfBudget) else exc if isinstance(exc, LimitExceeded) else None


def _answer(exc: Exception) -> _Answer:
    """Return the response for an exception, and note for the record of the refusal why it is refused."""
    answer = _answer_to(exc)
    request_notes().code = answer.code
    refusal: Any = _limit_of(exc) or exc
    note_refusal(getattr(refusal, "rule", "") or answer.rule or answer.code, **getattr(refusal, "facts", {}))
    return answer


def _answer_to(exc: Exception) -> _Answer:
    if exceeded := _limit_of(exc):
        return _Answer(exceeded.code, limit_sentence(exceeded), exceeded.retry_after)
    if isinstance(exc, CallerLimit):
        return _Answer("rate_limited", exc.detail, exc.retry_after)
    for classes, answer in ANSWERS:
        if isinstance(exc, classes):
            return answer if answer.detail else replace(answer, detail=_sentence(exc))
    if isinstance(exc, exceptions.APIException):
        code = str(exc.get_codes())
        if code not in STATUS:  # one of DRF's that the table does not have
            return _Answer("invalid_request", _sentence(exc)) if exc.status_code < HTTP_SERVER_ERRORS else SERVER_FAILED
        return _Answer(code, _sentence(exc), getattr(exc, "retry_after", 0))
    return DATABASE_AWAY if is_transient(exc) else SERVER_FAILED


def _sentence(exc: Exception) -> str:
    detail: Any = getattr(exc, "detail", str(exc))
    while isinstance(detail, list | dict):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return f"{detail}".rstrip(".") + "."
