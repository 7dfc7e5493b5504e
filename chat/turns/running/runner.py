"""Runs turns as tasks of the worker, so that they continue when clients disconnect or stop waiting."""

import asyncio
import logging
import uuid
from contextlib import aclosing
from functools import partial

from django.conf import settings

from apps_registry.mcp.sessions import mcp_sessions
from apps_registry.support.error_location import location
from apps_registry.support.forever import forever, run_once
from apps_registry.support.metrics import TURNS
from apps_registry.tools.base import ToolContext
from chat.events import RoundEnded, ToolResult
from chat.providers.base import ModelFailure, ModelTimeout
from chat.providers.breaker import breakers
from chat.providers.fallback import FallbackModel
from chat.turns.background.summaries import cancel_summaries, summarise_later
from chat.turns.background.titles import cancel_titles, make_title_later
from chat.turns.pausing.wallet_requests import tools_of_turn
from chat.turns.running import outcomes, saving
from chat.turns.running.announcer import Announcer
from chat.turns.running.engine import run_turn
from chat.turns.running.prompting import prompt_for, system_prompt
from chat.turns.running.running_turn import RunningTurn
from sessions_app.turns import storing
from sessions_app.turns.values import TurnOutcome
from sessions_app.values import PROCESSING, Session

logger = logging.getLogger("aomi.turns")

FLUSH_SECONDS = 2.0


class TurnRunner:
    """Starts, stops and tracks the turns of this worker."""

    def __init__(self) -> None:
        self._running: dict[uuid.UUID, RunningTurn] = {}
        self._keeper: asyncio.Task[None] | None = None

    def start(self, turn: RunningTurn, session: Session) -> asyncio.Task[None]:
        """Run a claimed turn in a new task and return the task, which ends when the result is stored."""
        turn.task = task = asyncio.create_task(self._run(turn, session), name=f"turn-{turn.turn_id}")
        self._running[session.id] = turn
        task.add_done_callback(lambda _: self._forget(session.id, turn))
        if self._keeper is None or self._keeper.done():
            every = min(FLUSH_SECONDS, settings.TURN_LEASE_SECONDS / 3)
            renewing = forever("turn-leases", self._keep_leases, every=every, goes_on=lambda: bool(self._running))
            self._keeper = asyncio.create_task(renewing, name="turn-leases")
        return task

    @property
    def running_turns(self) -> int:
        """How many turns run on this worker."""
        return len(self._running)

    def running(self, session_id: uuid.UUID) -> RunningTurn | None:
        """Return the session's turn, if it runs on this worker."""
        return self._running.get(session_id)

    def cancel(self, session_id: uuid.UUID) -> None:
        """Stop the session's turn, if it runs on this worker."""
        turn = self._running.get(session_id)
        if turn is None or turn.task is None or turn.is_ending:
            return
        turn.must_stop = True
        if turn.has_begun:
            turn.task.cancel()

    async def ended(self, session_id: uuid.UUID, seconds: float) -> None:
        """Wait at most `seconds` until the session's turn on this worker has ended and is stored."""
        turn = self._running.get(session_id)
        if turn is not None and turn.task is not None:
            await asyncio.wait({turn.task}, timeout=seconds)

    async def drain(self, seconds: float) -> None:
        """Let turns finish for `seconds`, then interrupt the rest; all are stored on return."""
        if tasks := {turn.task for turn in self._running.values() if turn.task is not None}:
            await asyncio.wait(tasks, timeout=seconds)
            for session_id in list(self._running):
                self.cancel(session_id)
            await asyncio.gather(*tasks, return_exceptions=True)
        cancel_titles()
        cancel_summaries()
        if self._keeper is not None:
            self._keeper.cancel()

    def _forget(self, session_id: uuid.UUID, turn: RunningTurn) -> None:
        if self._running.get(session_id) is turn:  # the session's next turn may have started already
            del self._running[session_id]

    async def _run(self, turn: RunningTurn, session: Session) -> None:
        turn.has_begun = True
        announcer = Announcer(turn, app_id=turn.app.id)
        announcer.status(PROCESSING)
        outcome = await self._outcome(turn, session, announcer)
        turn.is_ending = True
        outcome = await saving.store(turn, outcome)
        TURNS.labels(outcome.turn_status).inc()
        for question in outcome.pause.inline_calls if outcome.pause else ():
            announcer.inline_call(question)
        announcer.status(outcome.session_status)
        announcer.end()
        if turn.recording is not None:
            turn.recording.hand_over()
        if turn.options.is_stateless and outcome.pause is None and not turn.app.caller_rules.keeps_stateless_text:
            await run_once("drop-text", partial(storing.drop_text, turn.session_id))  # if this fails, the sweep does it
        if turn.session is not None and outcome.turn_status == "completed" and not turn.options.is_stateless:
            make_title_later(turn.session, turn.app, turn.model, turn.payer)
            summarise_later(turn.session, turn.app, turn.model, turn.payer, budget_tokens=turn.history_budget)

    async def _outcome(self, turn: RunningTurn, session: Session, announcer: Announcer) -> TurnOutcome:
        if turn.must_stop:
            return outcomes.interrupted(turn)
        try:
            async with asyncio.timeout(settings.TURN_TIMEOUT_SECONDS):
                await _consume(turn, session, announcer)
        except asyncio.CancelledError:
            return outcomes.interrupted(turn)
        except TimeoutError:
            limit = f"The limit of {settings.TURN_TIMEOUT_SECONDS:g} s is TURN_TIMEOUT_SECONDS."
            turn.not_answered_by(turn.model, "turn_timeout", limit)
            return outcomes.failed(turn, ModelTimeout("The turn took too long."))
        except ModelFailure as failure:
            return outcomes.failed(turn, failure)
        except Exception as error:
            # The exception's text may quote the conversation, so we log only its type and location.
            logger.error("turn %s failed: %s", turn.turn_id, location(error))
            return outcomes.failed(turn, ModelFailure("The turn failed inside the server."))
        finally:
            mcp_sessions.end_turn(turn.turn_id)
        return outcomes.completed(turn)

    async def _keep_leases(self) -> None:
        texts = {(session_id, turn.turn_id): turn.unstored_text for session_id, turn in self._running.items()}
        renewed = await storing.renew(texts) if texts else set()
        for session_id, turn_id in texts:
            turn = self._running.get(session_id)
            if turn is not None and turn.turn_id == turn_id and turn_id not in renewed:
                self.cancel(session_id)  # its result can no longer be stored


async def _consume(turn: RunningTurn, session: Session, announcer: Announcer) -> None:
    app = turn.app
    wallet = session.wallet
    context = ToolContext(turn_id=turn.turn_id, session_id=session.id)
    if wallet:
        context = ToolContext(wallet.address, wallet.chain_id, wallet.is_proven, turn.turn_id, session.id)
    tools = (*tools_of_turn(app, turn.options, wallet), *turn.options.offered_tools())
    unrepeatable = {tool.name for tool in tools if not tool.is_idempotent}
    preamble = await system_prompt(turn, session)
    models = FallbackModel(
        app.models_starting_with(turn.model),
        turn.options.sampling_over(app.sampling),
        breakers,
        prompt_for=lambda model: prompt_for(turn, session, preamble, model),
        on_answer=turn.answered_by,
        on_failure=turn.not_answered_by,
        on_sent=turn.recording.take if turn.recording else None,
    )
    events = run_turn(
        models,
        models.prompt,
        tools,
        context,
        max_tool_rounds=app.max_tool_rounds,
        earlier=turn.earlier,
        resumed=turn.resumed,
    )
    for result in turn.answered():
        announcer.event(result)
    turn.add_results()
    turn.is_asking = True
    async with aclosing(events):
        async for event in events:
            announcer.event(event)  # before `take`, which may move on to the next message id
            turn.take(event)
            if isinstance(event, RoundEnded) and any(call.name in unrepeatable for call in event.tool_calls):
                await saving.journal(turn)
            if isinstance(event, ToolResult) and turn.has_round_to_store:
                await saving.store_round(turn)
                turn.is_asking = True


runner = TurnRunner()
