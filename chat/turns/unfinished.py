"""What a running turn has written and not stored yet, on whichever worker it runs."""

from datetime import UTC, datetime

from chat.turns.output.messages import message_id
from chat.turns.running.runner import runner
from sessions_app.events.partials import partials
from sessions_app.store import store
from sessions_app.values import PROCESSING, Session, StoredMessage


async def unfinished_messages(session: Session) -> list[StoredMessage]:
    """Return the messages of a running turn that are not stored yet; the last one is still streaming."""
    turn_id = session.running_turn
    if session.status != PROCESSING or turn_id is None:
        return []
    if turn := runner.running(session.id):
        completed, id_, text = list(turn.messages), turn.streaming_id, turn.partial_text
    else:
        # A turn's messages are numbered, without the user's. The streaming message is the next one, or the one after
        # that: text that precedes tool calls is stored only with their results.
        number = sum(message.turn_id == turn_id for message in session.messages) - 1
        partial = await partials.get(session.id)
        expected_ids = {message_id(turn_id, number), message_id(turn_id, number + 1)}
        if partial is not None and partial.message_id in expected_ids:
            completed, id_, text = [], partial.message_id, partial.text
        else:
            completed, id_, text = [], message_id(turn_id, number), await store.partial_text(turn_id)
    return [*completed, StoredMessage(id_, turn_id, "agent", text, datetime.now(UTC))] if text else completed
