"""Answers to the questions of a turn, at doors of other protocols."""

from collections.abc import Sequence
from uuid import UUID

from chat.access import known_session
from chat.turns.resuming import resume_turn
from chat.turns.running.runner import runner
from chat.turns.running.running_turn import RunningTurn
from keys.callers import Caller
from sessions_app.questions import Answer, QuestionKind
from sessions_app.store import store
from sessions_app.turns.pauses import NothingWaits
from sessions_app.turns.reading import end_of
from sessions_app.values import PROCESSING, Session

# Where a protocol has no word for an approval: what a user writes to allow the calls that a turn asks about. Every
# other message declines them.
YES = frozenset({"yes", "approve", "confirm"})


def is_yes(message: str) -> bool:
    """Return whether a message allows the calls that a turn asks about."""
    return message.strip().lower().rstrip(".!") in YES


async def open_confirmations(session_id: UUID) -> list[str]:
    """Return the ids of the confirmations that the session's turn waits for; none if it asks anything else, too."""
    session = await store.load(session_id)
    if session is None or session.running_turn is None or session.status == PROCESSING:
        return []
    end = await end_of(session.running_turn)
    open_calls = end.open_calls if end else ()
    questions = [call for call in open_calls if call.confirmation is not None and call.is_approved is None]
    if any(call.kind not in {None, QuestionKind.CONFIRM_TOOL} for call in questions):
        return []
    return [call.confirmation or "" for call in questions]


async def give_answers(caller: Caller, session_id: UUID, answers: Sequence[Answer]) -> tuple[UUID, RunningTurn | None]:
    """Answer questions of the session's turn; return the turn, and the same if it runs on this worker.

    Raises:
        NothingWaits: no call of this session waits for one of the answers; otherwise the errors of `resume_turn`.
    """
    running = None
    for answer in answers:
        running = await resume_turn(caller, session_id, answer) or running
    if running is None:  # a repeated request: the turn continued with the first one
        session, _ = await known_session(caller, session_id)
        running = runner.running(session_id)
        return running.turn_id if running else last_turn(session), running
    return running.turn_id, running


def last_turn(session: Session) -> UUID:
    """Return the turn that runs or waits in a session, else its last one.

    Raises:
        NothingWaits: it has none.
    """
    turn_id = session.running_turn or next(
        (message.turn_id for message in reversed(session.messages) if message.turn_id), None
    )
    if turn_id is None:
        raise NothingWaits
    return turn_id
