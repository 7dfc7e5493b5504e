"""The messages and calls that a turn stores, made of what the model answered."""

import uuid

from chat.events import RoundEnded
from chat.issuers import to_store
from sessions_app.open_calls import OpenCall


def message_id(turn_id: uuid.UUID, number: int) -> uuid.UUID:
    """Return the id of a turn's n-th message, the same on every worker, before and after it is stored.

    Clients follow a streaming message by its id, whichever worker answers them.
    """
    return uuid.uuid5(turn_id, str(number))


def calls_of(event: RoundEnded, reasoning: str) -> list[OpenCall]:
    """Return the calls of a round, none of which has a result.

    Args:
        event: the round.
        reasoning: what is kept of the model's reasoning. It and the extra fields of an answer are stored with the
            answer's first message only.
    """
    return [
        OpenCall(
            event.round_number,
            index,
            call.call_id,
            call.name,
            call.arguments,
            extra=to_store(event.issuer, fields=None if event.text or index else event.extra, call=call.extra),
            reasoning="" if event.text or index else reasoning,
        )
        for index, call in enumerate(event.tool_calls)
    ]
