"""Turns without a server, a request or a view; test_one_way_in.py runs this in a separate process.

Reads a JSON object with `app` and `key_id` from its first argument, and prints the results as JSON.
"""

import asyncio
import json
import sys
import uuid
from typing import Any

import django

django.setup()

from apps_registry.support import database  # noqa: E402
from chat.access import KeyNeeded, NoSuchSession  # noqa: E402
from chat.providers.openai_compatible import connections  # noqa: E402
from chat.turns.input.limits import InvalidMessage, MessageTooLarge  # noqa: E402
from chat.turns.resuming import resume_turn  # noqa: E402
from chat.turns.start import IdempotencyMismatch, start_turn  # noqa: E402
from keys.callers import Caller  # noqa: E402
from keys.reading import callers_now  # noqa: E402
from sessions_app.questions import Answer  # noqa: E402
from sessions_app.store import store  # noqa: E402
from sessions_app.turns.pauses import NothingWaits  # noqa: E402
from sessions_app.turns.values import SessionBusy  # noqa: E402

SESSION, OTHER = uuid.uuid4(), uuid.uuid4()


async def outcome_of(awaited: Any) -> str:
    """Return the name of the exception that a call raises."""
    try:
        await awaited
    except Exception as error:
        return type(error).__name__
    return "nothing was raised"


async def talk(app: str, caller: Caller, anonymous: Caller) -> dict[str, Any]:
    app_slugs: list[str] = []
    started = await start_turn(
        caller, SESSION, app, "Order tea", idempotency_key="1", on_app=lambda app: app_slugs.append(app.slug)
    )
    assert started.running is not None
    assert started.running.task is not None
    busy = await outcome_of(start_turn(caller, SESSION, app, "And cake"))
    await started.running.task
    ((kind, payload),) = await store.undelivered_events(SESSION)
    again = await start_turn(caller, SESSION, None, "Order tea", idempotency_key="1")
    question = json.loads(payload)["payload"]["call_id"]
    yes = Answer.to_confirmation(question.upper(), is_approved=True)
    refusals = {
        SessionBusy: busy,
        IdempotencyMismatch: await outcome_of(start_turn(caller, SESSION, app, "Order tee", idempotency_key="1")),
        KeyNeeded: await outcome_of(start_turn(anonymous, SESSION, None, "Order tea")),
        MessageTooLarge: await outcome_of(start_turn(caller, OTHER, app, "x" * 32_001)),
        InvalidMessage: await outcome_of(start_turn(caller, OTHER, app, "\x00")),
        NoSuchSession: await outcome_of(resume_turn(caller, OTHER, yes)),
    }
    not_theirs = await outcome_of(resume_turn(anonymous, SESSION, yes))
    resumed = await resume_turn(caller, SESSION, yes)
    assert resumed is not None
    assert resumed.task is not None
    await resumed.task
    refusals[NothingWaits] = await outcome_of(resume_turn(caller, SESSION, yes))
    session = await store.load(SESSION)
    assert session is not None
    return {
        "told": app_slugs,
        "asked": kind,
        "again": again.turn_id == started.turn_id and again.running is None,
        "refusals": {kind.__name__: name for kind, name in refusals.items()},
        "not_theirs": not_theirs,
        "resumed": resumed.turn_id == started.turn_id,
        "messages": [[message.role, message.content] for message in session.messages],
        "http": sorted(name for name in sys.modules if name.startswith("chat.api")),
    }


async def main(app: str, key_id: int) -> dict[str, Any]:
    await database.open_pool()
    known, nobody = (Caller(id_, frozenset(), revision=0) for id_ in (key_id, None))
    callers = await callers_now([known, nobody])
    try:
        return await talk(app, callers[known], callers[nobody])
    finally:
        await connections.close()
        await database.close_pool()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))  # noqa: T201
