"""Approvals at doors whose protocol has no word for them: the user's message "yes" allows the calls."""

from uuid import UUID

from sessions_app import turns
from sessions_app.questions import QuestionKind
from sessions_app.store import store
from sessions_app.values import PROCESSING

# What a user writes to allow the calls that a turn asks about; every other message declines them.
YES = frozenset({"yes", "approve", "confirm"})


def is_yes(message: str) -> bool:
    """Return whether a message allows the calls that a turn asks about."""
    return message.strip().lower().rstrip(".!") in YES


async def open_confirmations(session_id: UUID) -> list[str]:
    """Return the ids of the confirmations that the session's turn waits for; none if it asks anything else, too."""
    session = await store.load(session_id)
    if session is None or session.running_turn is None or session.status == PROCESSING:
        return []
    end = await turns.end_of(session.running_turn)
    open_calls = end.open_calls if end else ()
    questions = [call for call in open_calls if call.confirmation is not None and call.is_approved is None]
    if any(call.kind not in {None, QuestionKind.CONFIRM_TOOL} for call in questions):
        return []
    return [call.confirmation or "" for call in questions]
