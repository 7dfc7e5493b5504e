"""The ids of sessions that the server creates for callers that name none."""

import uuid
from collections.abc import Mapping

from apps_registry.values import AppConfig
from chat.api.fields import IDEMPOTENCY_KEY_MAX_CHARS
from chat.doors.openai.errors import InvalidParameter
from keys.callers import Caller

_NAMESPACE = uuid.UUID("c9a9a4a2-3f0b-4c55-8a0e-6f7a3f1b9d21")


def new_session_id(app: AppConfig, caller: Caller, idempotency_key: str | None) -> uuid.UUID:
    """Return the id of a new session; a repeated Idempotency-Key gets the same id."""
    if idempotency_key is None:
        return uuid.uuid4()
    # Two keys never share a session.
    return uuid.uuid5(_NAMESPACE, f"{app.id} {caller.key_id} {idempotency_key}")


def read_idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Return the request's Idempotency-Key, if it has one.

    Raises:
        InvalidParameter: it is too long.
    """
    key = headers.get("Idempotency-Key") or None
    if key is not None and len(key) > IDEMPOTENCY_KEY_MAX_CHARS:
        raise InvalidParameter("Idempotency-Key", f"it is longer than {IDEMPOTENCY_KEY_MAX_CHARS} characters")
    return key
