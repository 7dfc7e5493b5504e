"""Stops the turn of a tool call that its client cancels.

Clients of revision 2026-07-28 close the response. Older clients name the request in a notification, which may reach
another worker; the id from its handshake identifies each client.
"""

import asyncio
import uuid
from functools import partial

from apps_registry.support.forever import run_once
from chat.doors.mcp.calls import BegunCall
from chat.doors.mcp.messages import RpcMessage
from chat.doors.mcp.protocol import MessageId
from chat.turns.interrupts import interrupt
from keys.callers import Caller
from sessions_app.events.hub import hub
from sessions_app.events.subscriptions import SessionEvent
from sessions_app.events.worker_messages import WorkerMessage
from sessions_app.store import store

SESSION_HEADER = "Mcp-Session-Id"
_NAMESPACE = uuid.UUID("4f0c9d52-0d0e-4c67-9f0c-2b3f1a4c6a10")
_calls: dict[uuid.UUID, BegunCall] = {}
_stopping: set["asyncio.Task[object]"] = set()


def call_name(caller: Caller, client: str | None, request: MessageId) -> uuid.UUID | None:
    """Return a name for a request that no other caller or client can produce; None if the client has no id."""
    if client is None or request is None:
        return None
    return uuid.uuid5(_NAMESPACE, f"{caller.key_id} {client} {type(request).__name__} {request}")


def let_cancel(name: uuid.UUID | None, begun: BegunCall) -> None:
    """Let a notification cancel a call until its turn ends, even after its client has closed the connection."""
    running = begun.running
    if name is not None and running is not None and running.task is not None:
        _calls[name] = begun
        running.task.add_done_callback(lambda _: _forget(name, begun))


def _forget(name: uuid.UUID, begun: BegunCall) -> None:
    if _calls.get(name) is begun:
        del _calls[name]


def cancel(caller: Caller, client: str | None, message: RpcMessage) -> None:
    """Stop the turn of the call that a notification names, on whichever worker it runs."""
    request = message.params.get("requestId")
    name = call_name(caller, client, request if isinstance(request, str | int) else None)
    if name is None:
        return
    if name in _calls:
        stop(_calls[name])
    else:
        hub.tell_workers(name, WorkerMessage.CANCEL_CALL)


def on_event(event: SessionEvent) -> None:
    """Handle another worker's request to stop a call that this worker answers."""
    if event.type == WorkerMessage.CANCEL_CALL and event.session_id in _calls:
        stop(_calls[event.session_id])


def stop(begun: BegunCall) -> None:
    """Interrupt a call's turn, in a separate task because the task of the request may be cancelled."""
    task = asyncio.create_task(run_once("mcp-cancel", partial(_stop, begun)), name="mcp-cancel")
    _stopping.add(task)
    task.add_done_callback(_stopping.discard)


async def _stop(begun: BegunCall) -> None:
    session = await store.load(begun.session_id)
    if session is not None and session.running_turn == begun.turn_id:
        await interrupt(session)
