"""The ids of calls that wait for the caller: each contains the ids of the session and of the question.

So a client that sends the whole conversation with each call, but no session, still continues the waiting turn.
"""

import base64
import binascii
import re
from uuid import UUID

CALL = "call_"  # a call of one of the caller's tools
APPROVAL = "mcpr_"  # a call of one of the App's tools that needs the user's approval
_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def make_call_id(session_id: UUID, question_id: str, prefix: str = CALL) -> str:
    """Return the id that a client gets for a call."""
    return prefix + base64.urlsafe_b64encode(session_id.bytes + UUID(question_id).bytes).decode().rstrip("=")


def read_call_id(call_id: str, prefix: str = CALL) -> tuple[UUID, str] | None:
    """Return the session and the question of a call; None if this server did not make the id."""
    encoded = call_id.removeprefix(prefix)
    if not call_id.startswith(prefix) or not _ID.fullmatch(encoded):
        return None
    try:
        data = base64.urlsafe_b64decode(encoded + "=")
    except binascii.Error:
        return None
    return UUID(bytes=data[:16]), str(UUID(bytes=data[16:]))
