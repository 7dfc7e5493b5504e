"""Reads what a turn has answered, whichever worker ran it."""

from collections.abc import Iterator, Sequence

from chat.access import NoSuchSession
from chat.doors.openai.beginning import Begun
from chat.doors.openai.wire import BETWEEN_ROUNDS, REASONS, Reply
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.message_body import message_bodies
from chat.wire.sessions import Message
from sessions_app import turns
from sessions_app.open_calls import OpenCall
from sessions_app.questions import QuestionKind
from sessions_app.store import store
from sessions_app.turn_values import TurnEnd
from sessions_app.values import Session

ASKS = "This needs your confirmation: {calls}. Answer “yes” to allow it; any other message declines it."
CANNOT_ASK = (
    "This needs a confirmation, which cannot be given here: {calls}. To confirm calls, use a client that names a "
    "session (X-Session-Id)."
)


async def reply_of(begun: Begun) -> Reply:
    """Return the answer of a turn that has ended or waits.

    Raises:
        ModelFailure: the turn failed.
        NoSuchSession: the session was deleted meanwhile.
    """
    running = begun.running
    session = running.session if running else await store.load(begun.session_id)
    end = running.end if running else await turns.end_of(begun.turn_id)
    if end is None or session is None:
        raise NoSuchSession
    if end.status == "failed":
        raise (ModelTimeout if end.error_code == ModelTimeout.code else ModelFailure)(end.error_detail)
    return _reply(begun, end, list(_answers(session, begun)))


def confirmation_text(begun: Begun, calls: Sequence[OpenCall]) -> str:
    """Return the sentence that asks the user to confirm calls; empty if there are none."""
    named = ", ".join(f"{call.name}({call.arguments})" for call in calls)
    return (CANNOT_ASK if begun.is_stateless else ASKS).format(calls=named) if calls else ""


def _reply(begun: Begun, end: TurnEnd, answers: Sequence[Message]) -> Reply:
    open_calls = [call for call in end.open_calls if call.confirmation is not None and call.result is None]
    of_client = [call for call in open_calls if call.kind == QuestionKind.CLIENT_TOOL]
    question = confirmation_text(begun, [call for call in open_calls if call not in of_client])
    reason = end.finish_reason if end.finish_reason in REASONS else "stop"
    return Reply(
        text=BETWEEN_ROUNDS.join(filter(None, [*(answer["content"] for answer in answers), question])),
        question=question,
        finish_reason="tool_calls" if of_client else reason,
        calls=of_client,
        citations=[citation for answer in answers for citation in answer["citations"]],
        prompt_tokens=end.prompt_tokens or 0,
        completion_tokens=end.completion_tokens or 0,
    )


def _answers(session: Session, begun: Begun) -> Iterator[Message]:
    """Yield the agent's messages of the turn, without those that earlier answers contained."""
    own = [
        index
        for index, message in enumerate(session.messages)
        if message.turn_id == begun.turn_id and message.role != "user"
    ]
    if new := own[begun.count :]:
        for message in message_bodies(session.messages[: new[-1] + 1], new[0]):
            if message["sender"] == "agent" and message["tool_result"] is None and message["content"]:
                yield message
