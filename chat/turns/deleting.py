"""Deletes sessions with all their data; the only place that does so for callers."""

from uuid import UUID

from chat.turns.running.runner import runner
from sessions_app.events.hub import hub
from sessions_app.events.worker_messages import WorkerMessage
from sessions_app.store import store


async def delete_session(session_id: UUID) -> None:
    """Delete a session with its messages and turns; a running turn is stopped, on whichever worker it runs."""
    await store.delete(session_id)
    runner.cancel(session_id)
    hub.tell_workers(session_id, WorkerMessage.SESSION_DELETED)
