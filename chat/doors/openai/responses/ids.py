"""The protocol's ids, which contain those of turns, sessions and messages."""

import re
from uuid import UUID

RESPONSE, CONVERSATION, MESSAGE, CALL_ITEM, OUTPUT_ITEM = "resp_", "conv_", "msg_", "fc_", "fco_"
_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)
_RESPONSE = re.compile(rf"{RESPONSE}([0-9a-f]{{32}})([0-9a-f]{{4}})?", re.ASCII)


def response_id(turn_id: UUID, round_number: int) -> str:
    """Return the id of a response.

    Args:
        turn_id: the turn.
        round_number: the round at which the request continued the turn; 0 if the request began the turn.
    """
    return f"{RESPONSE}{turn_id.hex}" + (f"{round_number:04x}" if round_number else "")


def read_response_id(text: str) -> tuple[UUID, int] | None:
    """Return the turn and the round of a response; None if this server did not make the id."""
    match = _RESPONSE.fullmatch(text)
    return (UUID(match[1]), int(match[2] or "0", 16)) if match else None


def conversation_id(session_id: UUID) -> str:
    """Return the id of a session as a conversation."""
    return f"{CONVERSATION}{session_id.hex}"


def read_conversation_id(text: str) -> UUID | None:
    """Return the session that the id of a conversation or of a session names; None if it is neither."""
    digits = text.removeprefix(CONVERSATION).replace("-", "").lower()
    return UUID(digits) if _HEX.fullmatch(digits) else None


def message_item_id(message_id: UUID) -> str:
    """Return the id of a message as an item."""
    return f"{MESSAGE}{message_id.hex}"


def read_message_item_id(text: str) -> UUID | None:
    """Return the id of the message that an item is; None if the item is not a message."""
    digits = text.removeprefix(MESSAGE)
    return UUID(digits) if text.startswith(MESSAGE) and _HEX.fullmatch(digits) else None
