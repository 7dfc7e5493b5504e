"""Saves what a running turn has done: its calls, its rounds, and its result."""

import asyncio
import logging
from collections.abc import Sequence

from apps_registry.support.database_errors import is_transient
from apps_registry.support.error_location import location
from chat.providers.base import ModelFailure
from chat.turns.input.limits import OutOfBudget
from chat.turns.running.reduced import reduced
from chat.turns.running.running_turn import RunningTurn
from keys.limits.refusals import applied
from keys.limits.values import LimitExceeded
from sessions_app.turns import storing
from sessions_app.turns.values import TurnOutcome, TurnProgress
from sessions_app.values import Session, StoredMessage

logger = logging.getLogger("aomi.turns")

# How long a result is kept in memory while Postgres is unavailable, before it is lost.
STORE_PATIENCE_SECONDS = 60.0
STORE_PAUSE_SECONDS = 0.5


async def journal(turn: RunningTurn) -> None:
    """Store calls that must not be repeated before they are made; if that fails, they are not made.

    Raises:
        OutOfBudget: a limit refuses another round.
        ModelFailure: they could not be stored.
    """
    try:
        await _append(turn)
    except LimitExceeded as exceeded:
        turn.open_calls.clear()
        raise OutOfBudget(exceeded) from None
    except Exception as error:
        logger.warning("the calls of turn %s could not be recorded: %s", turn.turn_id, location(error))
        turn.open_calls.clear()
        raise ModelFailure("The turn's tool calls could not be recorded, so they were not made.") from None


async def store_round(turn: RunningTurn) -> None:
    """Store a completed round of tool calls, so that a later failure cannot lose it, and reserve the next round.

    Raises:
        OutOfBudget: a limit refuses another round.
    """
    try:
        await _append(turn)
    except LimitExceeded as exceeded:
        raise OutOfBudget(exceeded) from None
    except Exception as error:  # the end of the turn stores it, reduced if necessary
        logger.warning("a round of turn %s is stored later: %s", turn.turn_id, location(error))


async def _append(turn: RunningTurn) -> None:
    """Store the messages that the turn has completed, and the calls that it is about to make.

    An interrupt waits for the statement, because otherwise its success would be unknown.
    """
    if turn.session is None:
        return
    messages = tuple(turn.messages)
    turn.messages.clear()
    appending = asyncio.create_task(_append_now(turn, turn.session, messages))
    try:
        stored = await asyncio.shield(appending)
    except asyncio.CancelledError:
        await asyncio.wait({appending})
        if appending.exception() is None:
            turn.session = appending.result() or turn.session
        else:
            turn.messages[:0] = messages
        raise
    except Exception:
        turn.messages[:0] = messages
        raise
    if stored is None:
        raise asyncio.CancelledError  # the turn was deleted or presumed dead: its result cannot be stored
    turn.session = stored


async def _append_now(turn: RunningTurn, session: Session, messages: Sequence[StoredMessage]) -> Session | None:
    progress = TurnProgress(
        model=turn.model.name, tool_rounds=turn.tool_rounds, used=turn.used, reservation=turn.reserve_next()
    )
    with applied(turn.payer):
        return await storing.append(session, turn.turn_id, messages, tuple(turn.open_calls), progress=progress)


async def store(turn: RunningTurn, outcome: TurnOutcome) -> TurnOutcome:
    """End the turn with its result, reduced until Postgres accepts it; return the stored result."""
    session, reductions = turn.session, reduced(turn, outcome)
    deadline = asyncio.get_running_loop().time() + STORE_PATIENCE_SECONDS
    while session is not None:
        try:
            turn.session = await storing.finish(session, turn.turn_id, outcome)
            return outcome
        except Exception as error:
            if is_transient(error) and asyncio.get_running_loop().time() > deadline:
                logger.error("turn %s is lost: Postgres stayed unavailable (%s)", turn.turn_id, location(error))
                raise
            if not is_transient(error):
                logger.error("the result of turn %s could not be stored as it is: %s", turn.turn_id, location(error))
                if (smaller := next(reductions, None)) is None:
                    raise
                outcome = smaller
                continue
        await asyncio.sleep(STORE_PAUSE_SECONDS)
    return outcome
