"""Reads what a turn has answered, whichever worker ran it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from chat.access import NoSuchSession
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.output.message_body import message_bodies
from chat.turns.running.running_turn import RunningTurn
from chat.wire.sessions import Citation, Message
from sessions_app.open_calls import OpenCall
from sessions_app.questions import OF_CLIENT
from sessions_app.store import store
from sessions_app.turns.reading import end_of
from sessions_app.turns.values import TurnEnd
from sessions_app.values import INTERRUPTED, Session


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of a turn that has ended, or waits for its client.

    Attributes:
        answers: the agent's messages.
        confirmations: the calls that the user must approve.
        client_calls: the calls of tools that run at the client.
        is_interrupted: whether the session was interrupted.
    """

    end: TurnEnd
    answers: Sequence[Message]
    confirmations: Sequence[OpenCall]
    client_calls: Sequence[OpenCall]
    is_interrupted: bool

    @property
    def texts(self) -> list[str]:
        """The texts of the answers."""
        return [answer["content"] for answer in self.answers]

    @property
    def citations(self) -> list[Citation]:
        """What the answers cite."""
        return [citation for answer in self.answers for citation in answer["citations"]]


async def outcome_of(turn_id: UUID, session_id: UUID, running: RunningTurn | None, *, after: int = 0) -> Outcome:
    """Return the answer of a turn that has ended or waits.

    Args:
        turn_id: the turn.
        session_id: its session.
        running: the turn, if it ran on this worker.
        after: how many messages the turn had before, which earlier answers contained.

    Raises:
        ModelFailure: the turn failed.
        NoSuchSession: the session was deleted meanwhile.
    """
    session = running.session if running else await store.load(session_id)
    end = running.end if running else await end_of(turn_id)
    if end is None or session is None:
        raise NoSuchSession
    if end.status == "failed":
        raise (ModelTimeout if end.error_code == ModelTimeout.code else ModelFailure)(end.error_detail)
    open_calls = [call for call in end.open_calls if call.confirmation is not None and call.result is None]
    of_client = [call for call in open_calls if call.kind in OF_CLIENT]
    confirmations = [call for call in open_calls if call not in of_client]
    answers = list(_answers(session, turn_id, after))
    return Outcome(end, answers, confirmations, of_client, session.status == INTERRUPTED)


def _answers(session: Session, turn_id: UUID, after: int) -> Iterator[Message]:
    """Yield the agent's messages of the turn, without those that earlier answers contained."""
    own = [
        index for index, message in enumerate(session.messages) if message.turn_id == turn_id and message.role != "user"
    ]
    if new := own[after:]:
        for message in message_bodies(session.messages[: new[-1] + 1], new[0]):
            if message["sender"] == "agent" and message["tool_result"] is None and message["content"]:
                yield message
