"""The ids of sessions that the server creates for callers that name none."""

import uuid
from collections.abc import Mapping

from apps_registry.values import AppConfig
from chat.api.fields import IDEMPOTENCY_KEY_MAX_CHARS
from chat.doors.derived_sessions import derived_session_id
from chat.doors.openai.errors import InvalidParameter
from keys.callers import Caller


def new_session_id(app: AppConfig, caller: Caller, idempotency_key: str | None) -> uuid.UUID:
    """Return the id of a new session; a repeated Idempotency-Key gets the same id."""
    if idempotency_key is None:
        return uuid.uuid4()
    return derived_session_id(app.id, caller, idempotency_key, purpose="of a call")


def read_idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Return the request's Idempotency-Key, if it has one.

    Raises:
        InvalidParameter: it is too long.
    """
    key = headers.get("Idempotency-Key") or None
    if key is not None and len(key) > IDEMPOTENCY_KEY_MAX_CHARS:
        raise InvalidParameter("Idempotency-Key", f"it is longer than {IDEMPOTENCY_KEY_MAX_CHARS} characters")
    return key
