"""The error codes, with their HTTP statuses and causes.

This is the only table of them: responses, the OpenAPI document and docs/ all use it. It must not need Django: code that
runs before Django is set up reads it too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An error that clients can distinguish by its code.

    Attributes:
        code: the stable word for machines.
        status: the HTTP status.
        when: a sentence for authors of clients.
        headers: the headers that every such response has.
        is_general: whether any request may get it; the OpenAPI document does not list it for single calls.
    """

    code: str
    status: int
    when: str
    headers: tuple[str, ...] = ()
    is_general: bool = False


_RETRY = ("Retry-After",)
_LIMITS = ("RateLimit", "RateLimit-Policy")  # absent where the limit has no number
ERROR_CODES = (
    ErrorCode("invalid_request", 400, "A parameter is missing or malformed; `detail` names it."),
    ErrorCode("invalid_app_key", 401, "An App key is needed and missing, or not valid.", ("WWW-Authenticate",)),
    ErrorCode("app_not_authorized", 403, "The key does not open this App."),
    ErrorCode("session_not_available", 403, "The session belongs to another App."),
    ErrorCode("not_found", 404, "There is no such session."),
    ErrorCode("method_not_allowed", 405, "The path has no such method.", ("Allow",), is_general=True),
    ErrorCode("request_timeout", 408, "The request did not arrive in time.", is_general=True),
    ErrorCode("session_busy", 409, "A turn is running; nothing was stored.", _RETRY),
    ErrorCode("not_waiting", 410, "No tool call of this session waits for this answer now."),
    ErrorCode("message_too_large", 413, "Over a limit, which `detail` gives."),
    ErrorCode("unsupported_media_type", 415, "The body is neither JSON nor a form, or has a Content-Encoding."),
    ErrorCode("idempotency_mismatch", 422, "The same `Idempotency-Key` came with another message or App."),
    ErrorCode("rate_limited", 429, "Too many calls, turns at the same time, or failed keys.", _RETRY),
    ErrorCode("budget_exhausted", 429, "A limit of tokens or money is used up.", (*_RETRY, *_LIMITS)),
    ErrorCode("internal_error", 500, "The server failed; nothing is wrong with the request.", is_general=True),
    ErrorCode("model_error", 502, "The model failed; the same `Idempotency-Key` tries the turn again."),
    ErrorCode("overloaded", 503, "The server or its database is busy.", _RETRY),
    ErrorCode("release_unusable", 503, "The App's release cannot be run.", _RETRY),
    ErrorCode("model_timeout", 504, "The model was silent for too long; see 502."),
)
STATUS = {error.code: error.status for error in ERROR_CODES}


def by_status() -> dict[int, list[ErrorCode]]:
    """Return the errors that the OpenAPI document lists for calls, by status."""
    statuses: dict[int, list[ErrorCode]] = {}
    for error in ERROR_CODES:
        if not error.is_general:
            statuses.setdefault(error.status, []).append(error)
    return statuses
