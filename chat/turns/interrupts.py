"""Interrupts turns, on this worker and on others."""

import asyncio
from uuid import UUID

from chat.turns.output.telling import tell_readers
from chat.turns.running.runner import runner
from chat.wire.events import StatusChangedEvent
from sessions_app.events.hub import hub
from sessions_app.events.subscriptions import SessionEvent
from sessions_app.events.worker_messages import WorkerMessage
from sessions_app.store import store
from sessions_app.turns import pauses, storing
from sessions_app.values import PROCESSING, Session

# How long we wait for the worker that runs the turn, this one or another, to store the partial reply.
LOCAL_SECONDS = 2.0
REMOTE_SECONDS = 0.4


async def interrupt(session: Session) -> Session | None:
    """Stop the session's turn and return the updated session; None when it was deleted meanwhile.

    A turn that waits for a confirmation ends, and its calls are not made.
    """
    current: Session | None = session
    if session.running_turn is not None and session.status != PROCESSING:
        if await pauses.interrupt(session.id, session.running_turn):
            _tell_interrupted(session)
        current = await store.load(session.id)  # it is processing if a confirmation arrived first
    if current is None or current.status != PROCESSING or current.running_turn is None:
        return current
    return await _stop(current, current.running_turn)


async def _stop(session: Session, turn_id: UUID) -> Session | None:
    """Stop a running turn.

    The worker that runs it closes its connection to the model and stores the text so far as the reply. A worker that
    does not do so in time loses the turn: what it tries to store later is ignored.
    """
    running = runner.running(session.id)
    if running is not None and running.turn_id == turn_id:
        runner.cancel(session.id)
        await runner.ended(session.id, LOCAL_SECONDS)
    else:
        await _interrupt_on_other_worker(session)
    current = await store.load(session.id)
    if current is not None and current.status == PROCESSING and current.running_turn == turn_id:
        await storing.give_up(session.id, turn_id)
        _tell_interrupted(session)
        current = await store.load(session.id)
    return current


async def _interrupt_on_other_worker(session: Session) -> None:
    subscription = hub.subscribe(session.id)
    try:
        hub.tell_workers(session.id, WorkerMessage.INTERRUPT_TURN, turn_id=str(session.running_turn))
        async with asyncio.timeout(REMOTE_SECONDS):
            async for event in subscription.read(idle_seconds=REMOTE_SECONDS):
                if event is None or (event.type == "status_changed" and event.data.get("status") != PROCESSING):
                    return
    except TimeoutError:
        return
    finally:
        hub.unsubscribe(session.id, subscription)


def on_event(event: SessionEvent) -> None:
    """Handle a request of another worker about a turn that runs here."""
    turn = runner.running(event.session_id)
    if turn is None:
        return
    if event.type == WorkerMessage.REQUEST_PARTIAL:
        announced = turn.partial_text[: turn.announced_chars]
        hub.tell_workers(event.session_id, WorkerMessage.PARTIAL, message_id=str(turn.streaming_id), delta=announced)
    is_interrupted = event.type == WorkerMessage.INTERRUPT_TURN and event.data.get("turn_id") == str(turn.turn_id)
    if is_interrupted or event.type == WorkerMessage.SESSION_DELETED:
        runner.cancel(event.session_id)


def _tell_interrupted(session: Session) -> None:
    event = StatusChangedEvent(type="status_changed", session_id=session.id, status="interrupted")
    tell_readers(session.app_id, event)
