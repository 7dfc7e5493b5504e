"""How session ids are parsed, and which sessions need a key."""

import re
from uuid import UUID

from apps_registry.values import AppConfig

# uuid.UUID accepts braces, urn: and misplaced dashes, which would give one session several spellings.
UUID_PATTERN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
NIL, MAX = UUID(int=0), UUID(int=2**128 - 1)


class InvalidSessionId(ValueError):
    """The text is not the id of a session; the message says why."""


def parse_session_id(text: str | None) -> UUID:
    """Return the session id in a header or a path.

    Args:
        text: 8-4-4-4-12 hexadecimal digits in any case (RFC 9562); None when it is missing.

    Raises:
        InvalidSessionId: missing, in another form, or the nil or max UUID.
    """
    if text is None:
        raise InvalidSessionId("the header X-Session-Id is missing: send a UUID that you generated")
    if not UUID_PATTERN.fullmatch(text):
        raise InvalidSessionId("X-Session-Id is not a UUID of the form 8-4-4-4-12")
    session_id = UUID(text)
    if session_id in {NIL, MAX}:
        raise InvalidSessionId("X-Session-Id is the nil or max UUID: send a random one")
    return session_id


def needs_key(app_id: int | None, app: AppConfig | None) -> bool:
    """Return whether a call other than chat needs a key scoped to the session's App.

    Args:
        app_id: the App that the session belongs to; None while it has none.
        app: that App; None when the session has no App or the App is inactive.
    """
    if app_id is None:
        return False
    return app is None or not (app.is_default or app.sessions_readable_by_id)
