"""Stopping turns, wherever they run."""

import asyncio
from uuid import UUID

from chat.turns.runner import runner
from chat.turns.telling import tell_readers
from chat.wire.events import StatusChangedEvent
from sessions_app import pauses, turns
from sessions_app.events.hub import hub
from sessions_app.events.subscriptions import SessionEvent
from sessions_app.store import store
from sessions_app.values import PROCESSING, Session

# A turn of this worker stores its partial reply first; another worker is given so long to do the same.
LOCAL_SECONDS = 2.0
REMOTE_SECONDS = 0.4


async def interrupt(session: Session) -> Session | None:
    """Stop the session's turn and return the session as it then is; None when it was deleted meanwhile.

    A turn that waits for a confirmation waits no longer, and its calls are not made.
    """
    now: Session | None = session
    if session.running_turn is not None and session.status != PROCESSING:
        if await pauses.interrupt(session.id, session.running_turn):
            _tell_interrupted(session)
        now = await store.load(session.id)  # which is processing, if a confirmation was faster
    if now is None or now.status != PROCESSING or now.running_turn is None:
        return now
    return await _stop(now, now.running_turn)


async def _stop(session: Session, turn_id: UUID) -> Session | None:
    """Stop a running turn.

    The worker that runs it closes its connection to the model and keeps what had arrived as the reply. One that
    does not answer in time loses the turn: what it stores later finds no turn to belong to.
    """
    running = runner.running(session.id)
    if running is not None and running.turn_id == turn_id:
        runner.cancel(session.id)
        await runner.ended(session.id, LOCAL_SECONDS)
    else:
        await _ask_the_others(session)
    now = await store.load(session.id)
    if now is not None and now.status == PROCESSING and now.running_turn == turn_id:
        await turns.give_up(session.id, turn_id)
        _tell_interrupted(session)
        now = await store.load(session.id)
    return now


async def _ask_the_others(session: Session) -> None:
    subscription = hub.subscribe(session.id)
    try:
        hub.tell_workers(session.id, "_interrupt", turn_id=str(session.running_turn))
        async with asyncio.timeout(REMOTE_SECONDS):
            async for event in subscription.read(idle_seconds=REMOTE_SECONDS):
                if event is None or (event.type == "status_changed" and event.data.get("status") != PROCESSING):
                    return
    except TimeoutError:
        return
    finally:
        hub.unsubscribe(session.id, subscription)


def on_event(event: SessionEvent) -> None:
    """Do what another worker asks of this one."""
    turn = runner.running(event.session_id)
    if turn is None:
        return
    if event.type == "_what_so_far":
        announced = turn.partial_text[: turn.announced_chars]
        hub.tell_workers(event.session_id, "_partial", message_id=str(turn.streaming_id), delta=announced)
    asked = event.type == "_interrupt" and event.data.get("turn_id") == str(turn.turn_id)
    if asked or event.type == "_deleted":
        runner.cancel(event.session_id)


def _tell_interrupted(session: Session) -> None:
    event = StatusChangedEvent(type="status_changed", session_id=session.id, status="interrupted")
    tell_readers(session.app_id, event)
