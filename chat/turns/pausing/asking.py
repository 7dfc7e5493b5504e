"""Makes calls into questions to the client, and questions into what a paused turn waits for."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from chat.events import AskedCall
from chat.turns.pausing.questions import question_event
from chat.turns.pausing.wallet_requests import as_request, number_of
from sessions_app.open_calls import OpenCall
from sessions_app.questions import OF_WALLET, Question
from sessions_app.turns.pauses import Pause
from sessions_app.values import Session, StoredMessage


def as_question(
    call: OpenCall,
    asked: AskedCall,
    session: Session | None,
    messages: Sequence[StoredMessage],
    earlier_calls: Sequence[OpenCall],
) -> OpenCall:
    """Return a call as a question to the client.

    Args:
        call: the call.
        asked: the kind of its question, and its checked arguments.
        session: the session as the turn last stored it; None if it was deleted meanwhile.
        messages: the turn's messages that are not stored yet.
        earlier_calls: the calls before this one that are no message yet.
    """
    question = replace(call, confirmation=str(uuid.uuid4()), kind=asked.kind)
    wallet = session.wallet if session else None
    if asked.kind not in OF_WALLET or session is None or wallet is None:
        return question
    number = number_of(call.name, (*session.messages, *messages), earlier_calls)
    return as_request(question, asked.arguments, session.id, wallet, number=number)


def pause(open_calls: Sequence[OpenCall], until: datetime) -> Pause:
    """Return what a turn waits for.

    Args:
        open_calls: the calls of its round that have no stored result.
        until: the deadline for answers.
    """
    questions = [question_event(question) for question in _questions(open_calls, until)]
    return Pause(tuple(open_calls), questions, until)


def _questions(open_calls: Sequence[OpenCall], until: datetime) -> Iterator[Question]:
    for call in open_calls:
        if call.confirmation is not None and call.kind is not None:
            yield Question(call.confirmation, call.kind, call.name, call.arguments, until, call.request)
