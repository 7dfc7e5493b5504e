"""What the readers of a session's updates are told, by the types that the OpenAPI document shows."""

from chat.wire.events import UpdateEvent
from sessions_app.events.hub import hub

HEAD = frozenset({"type", "session_id"})


def tell_readers(app_id: int | None, event: UpdateEvent) -> None:
    """Tell the readers of a session, on this worker and on others.

    Args:
        app_id: the App that the session belongs to; None while it is open.
        event: what happens.
    """
    data = {name: value for name, value in event.items() if name not in HEAD}
    hub.publish(event["session_id"], app_id, event["type"], **data)
