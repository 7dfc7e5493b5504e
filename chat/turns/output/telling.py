"""Publishes session events to readers, with the types of the OpenAPI document."""

from chat.wire.events import UpdateEvent
from sessions_app.events.hub import hub

HEAD = frozenset({"type", "session_id"})


def tell_readers(app_id: int | None, event: UpdateEvent) -> None:
    """Publish an event to the readers of its session, on all workers.

    Args:
        app_id: the App that the session belongs to; None while it has none.
        event: the event.
    """
    data = {name: value for name, value in event.items() if name not in HEAD}
    hub.publish(event["session_id"], app_id, event["type"], **data)
