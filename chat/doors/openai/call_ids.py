"""The ids of calls of a caller's tools: each names the session and the question that its output answers.

So a client that sends the whole conversation with each call, and no session, still continues the turn that waits.
"""

import base64
import binascii
import re
from uuid import UUID

PREFIX = "call_"
_ID = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)


def make_call_id(session_id: UUID, question_id: str) -> str:
    """Return the id that a client gets for a call."""
    return PREFIX + base64.urlsafe_b64encode(session_id.bytes + UUID(question_id).bytes).decode().rstrip("=")


def read_call_id(call_id: str) -> tuple[UUID, str] | None:
    """Return the session and the question of a call; None if the id is not one of ours."""
    if not _ID.fullmatch(call_id):
        return None
    try:
        data = base64.urlsafe_b64decode(call_id.removeprefix(PREFIX) + "=")
    except binascii.Error:
        return None
    return UUID(bytes=data[:16]), str(UUID(bytes=data[16:]))
