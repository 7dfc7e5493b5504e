"""The error codes, with their HTTP statuses and causes.

This is the only table of them: responses, the OpenAPI document and docs/ all use it. It must not need Django: code that
runs before Django is set up reads it too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An error that clients can distinguish by its code.

    Attributes:
        code: the stable name, for programs.
        status: the HTTP status.
        when: the cause, as a sentence for developers of clients.
        headers: the headers that every such response has.
        is_general: whether any request may get it; the OpenAPI document does not list it for each call.
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
    ErrorCode(
        "invalid_app_key",
        401,
        "The App key is missing or not valid, or the browser token is not valid.",
        ("WWW-Authenticate",),
    ),
    ErrorCode("app_not_authorized", 403, "The key or browser token does not open this App or call."),
    ErrorCode(
        "session_not_available",
        403,
        "The session belongs to another App or channel, or the browser token is for another one.",
    ),
    ErrorCode("origin_not_allowed", 403, "The key, the browser token or the App is limited to other origins."),
    ErrorCode("network_not_allowed", 403, "The key or the App is limited to other networks."),
    ErrorCode("not_found", 404, "The session does not exist."),
    ErrorCode("method_not_allowed", 405, "The path does not support this method.", ("Allow",), is_general=True),
    ErrorCode("request_timeout", 408, "The request did not arrive in time.", is_general=True),
    ErrorCode("session_busy", 409, "The session is busy with another turn; nothing was stored.", _RETRY),
    ErrorCode("not_waiting", 410, "No question of this session waits for this answer."),
    ErrorCode("message_too_large", 413, "The message or the body is over the limit that `detail` gives."),
    ErrorCode("unsupported_media_type", 415, "The body is neither JSON nor a form, or has a Content-Encoding."),
    ErrorCode(
        "idempotency_mismatch", 422, "The `Idempotency-Key` was used with another message or App; nothing was stored."
    ),
    ErrorCode(
        "rate_limited", 429, "Too many requests, turns at the same time, or invalid keys; `detail` says which.", _RETRY
    ),
    ErrorCode("budget_exhausted", 429, "A limit of tokens or money is used up.", (*_RETRY, *_LIMITS)),
    ErrorCode("internal_error", 500, "The server failed; nothing is wrong with the request.", is_general=True),
    ErrorCode(
        "model_error", 502, "The model failed. The user's message is kept; the same `Idempotency-Key` repeats the turn."
    ),
    ErrorCode("overloaded", 503, "The server or its database is busy or unavailable.", _RETRY),
    ErrorCode("release_unusable", 503, "The App's release cannot be run until an operator acts.", _RETRY),
    ErrorCode("model_timeout", 504, "The model sent nothing for too long; otherwise as 502."),
)
STATUS = {error.code: error.status for error in ERROR_CODES}


def by_status() -> dict[int, list[ErrorCode]]:
    """Return the errors that the OpenAPI document lists for calls, by status."""
    statuses: dict[int, list[ErrorCode]] = {}
    for error in ERROR_CODES:
        if not error.is_general:
            statuses.setdefault(error.status, []).append(error)
    return statuses
