"""Starts turns: every caller that brings a message calls `start_turn`.

The chat view does so, and so must every other protocol, channel or page through which users talk to an App. The module
is independent of HTTP and Django views: permissions come as a `Caller`, and errors are exceptions.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from psycopg.errors import UniqueViolation

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from chat.access import app_named, check_chat, check_token, only_wallet, wallet_to_bind
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.input.limits import check_message
from chat.turns.input.options import NO_OPTIONS, TurnOptions, check_options, dump_options
from chat.turns.input.reservation import prompt_bound, reserve
from chat.turns.launch import launch
from chat.turns.release import ReleaseUnusable, config_for_session
from chat.turns.running.progress import Progress, before_retry
from chat.turns.running.runner import runner
from chat.turns.running.running_turn import RunningTurn
from keys.callers import Caller
from keys.guards.storage import counted_new_session
from keys.limits.admission import admission_of
from keys.limits.refusals import applied, refuse_remembered
from keys.limits.values import Payer
from sessions_app.store import store
from sessions_app.turns import claiming, storing
from sessions_app.turns.values import (
    EarlierTurn,
    NewTurn,
    SessionBusy,
    SessionOfAnotherApp,
    SessionOfAnotherChannel,
    TurnOutcome,
)
from sessions_app.values import Session, Wallet


class IdempotencyMismatch(Exception):
    """The session has a turn with this idempotency key but another message or App; nothing was stored."""


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """The turn that answers a message.

    Attributes:
        turn_id: the message's turn; the earlier one, if the idempotency key was used before.
        app: the App's current configuration; the session may keep an earlier release of it.
        running: the turn, if it runs on this worker; None if it has ended or paused, or runs on another worker.
    """

    turn_id: UUID
    app: AppConfig
    running: RunningTurn | None


async def start_turn(
    caller: Caller,
    session_id: UUID,
    app: str | None,
    message: str,
    *,
    idempotency_key: str | None = None,
    user_state: str | None = None,
    wallet: Wallet | None = None,
    options: TurnOptions = NO_OPTIONS,
    on_app: Callable[[AppConfig], object] | None = None,
) -> StartedTurn:
    """Start the turn that answers a message, or find the turn that an earlier call with the same key has started.

    A failed turn is retried in its old position. The turn is a task of the worker; the caller need not wait for it.

    Args:
        caller: the caller that brings the message.
        session_id: the session, which the first message creates.
        app: the App's slug; None for the session's App, or the default App if the session has none.
        message: the user's message.
        idempotency_key: the same key in the same session always means the same turn.
        user_state: the client's state as JSON text, which replaces the session's; None keeps that.
        wallet: the wallet to bind to the session; None keeps the binding.
        options: what else the caller asks of this turn.
        on_app: called with the App once the caller is known to be allowed to use it, even if the call fails later.

    Raises:
        KeyNeeded, AppNotAuthorized: the caller may not chat with the App.
        OriginNotAllowed, NetworkNotAllowed: the App refuses calls from where the caller is.
        SessionNotOfToken, SessionOfAnotherWallet: the caller's browser token is for another session or wallet.
        SessionOfAnotherApp: the session belongs to another App.
        SessionOfAnotherChannel: the session began in another channel than the caller's.
        SessionBusy: another turn runs in the session.
        IdempotencyMismatch: the key was used with another message or App.
        ReleaseUnusable: the release that would answer cannot be run.
        LimitExceeded: a limit of the key, the App or callers without a key refuses the turn; nothing was stored.
        InvalidMessage, MessageTooLarge: the message is refused.
        ToolsNotTaken: the App does not accept tools from callers.
        InvalidClientTool: one of the caller's tools cannot be offered.
        CallerLimit: a caller without a key has begun too many sessions.
        ModelFailure: the turn with this key failed, and cannot be retried because a later turn has started.
    """
    check_message(message)
    session = store.remembered(session_id) or await store.reload(session_id)
    chosen = await _choose_app(caller, app, session)
    if on_app is not None:
        on_app(chosen)
    check_token(caller, session_id, session)
    channel = caller.channel_of(chosen.id)
    is_live = channel.kind == "live"
    check_options(options, chosen)
    turn = NewTurn(
        turn_id=uuid.uuid4(),
        message_id=uuid.uuid4(),
        session_id=session_id,
        app_id=chosen.id,
        app_key_id=caller.key_id,
        content=message,
        idempotency_key=idempotency_key,
        user_state=user_state,
        wallet=wallet_to_bind(caller, wallet, chosen),
        only_wallet=only_wallet(caller),
        release_id=chosen.release_id if is_live else None,
        keeps_release=chosen.sessions_keep_release and is_live,
        channel=channel.name,
        options=dump_options(options),
        is_stateless=options.is_stateless,
    )
    payer = Payer(chosen.id, caller.key_id, caller.address)
    start = _Start(caller, chosen, turn, payer, options)
    if session is not None or caller.key_id is not None:
        return await start.turn_for(session)
    async with counted_new_session(caller):
        return await start.turn_for(session)


async def _choose_app(caller: Caller, slug: str | None, session: Session | None) -> AppConfig:
    """Return the named App, else the session's, else the default App."""
    if slug is None and session is not None and session.app_id is not None:
        return check_chat(caller, await app_configs.by_id(session.app_id, revision=caller.revision))
    return check_chat(caller, await app_named(caller, slug))


@dataclass(frozen=True, slots=True)
class _Start:
    """One call of `start_turn`, after the App is chosen."""

    caller: Caller
    app: AppConfig
    new: NewTurn
    payer: Payer
    options: TurnOptions

    async def turn_for(self, session: Session | None) -> StartedTurn:
        """Start or find the turn; `session` is our copy, which may be stale."""
        session = await self._continued(session)
        earlier = await self._earlier() if session else None
        if earlier is None:
            refuse_remembered(self.payer)
            config = await self._check_release(session)
            progress = self._reserve(config, session, self.new.content)
            try:
                with applied(self.payer):
                    claimed = await claiming.claim(self._with(progress), session)
            except (SessionBusy, UniqueViolation):
                # Another turn runs, or a concurrent request with the same key was first.
                earlier = await self._earlier()
                if earlier is None:
                    raise
            else:
                return await self._run(self.new.turn_id, claimed, progress)
        return await self._find(earlier, session)

    def _reserve(
        self, config: AppConfig, session: Session | None, message: str = "", turn_id: UUID | None = None
    ) -> Progress:
        """Return the progress of a turn that has reserved its next round; arguments as for `prompt_bound`."""
        bound = prompt_bound(config, session, message, turn_id=turn_id, options=self.options)
        sampling = self.options.sampling_over(config.sampling)
        return Progress(prompt_bound=bound, reservation=reserve(config, bound, sampling))

    def _with(self, progress: Progress) -> NewTurn:
        return replace(self.new, reservation=progress.reservation, admission=admission_of(self.payer))

    async def _continued(self, session: Session | None) -> Session | None:
        """Return the session, if the turn may continue it; only our copy may be of another channel.

        Raises:
            SessionOfAnotherChannel: the session began in another channel.
        """
        if session is not None and not session.continues_in(self.new.channel):
            session = await store.load(self.new.session_id)
            if session is not None and not session.continues_in(self.new.channel):
                raise SessionOfAnotherChannel
        return session

    async def _earlier(self) -> EarlierTurn | None:
        """Return the session's turn with the call's idempotency key, if any.

        Raises:
            IdempotencyMismatch: it has another message or App.
            SessionOfAnotherApp: it has an App that the caller may not use; the error must not reveal more.
        """
        earlier = await claiming.by_idempotency_key(self.new)
        if earlier is None or (earlier.app_id == self.app.id and earlier.has_same_message):
            return earlier
        app = await app_configs.by_id(earlier.app_id, revision=self.caller.revision)
        raise IdempotencyMismatch if self.caller.may_use(app) else SessionOfAnotherApp

    async def _check_release(self, session: Session | None) -> AppConfig:
        """Return the release for the session, after checking, before anything is stored, that it can be run.

        Raises:
            ReleaseUnusable: it cannot.
        """
        try:
            return await config_for_session(self.caller, self.app, session)
        except ReleaseUnusable:  # our copy may be stale
            return await config_for_session(self.caller, self.app, await store.load(self.new.session_id))

    async def _find(self, earlier: EarlierTurn, session: Session | None) -> StartedTurn:
        """Return an earlier turn; retry it if it failed."""
        if earlier.status == "failed":
            return await self._retry(earlier, session)
        running = runner.running(self.new.session_id)
        is_here = running is not None and running.turn_id == earlier.turn_id
        return StartedTurn(earlier.turn_id, self.app, running if is_here else None)

    async def _retry(self, earlier: EarlierTurn, session: Session | None) -> StartedTurn:
        config = await self._check_release(session)
        reserved = self._reserve(config, session, self.new.content, earlier.turn_id)
        with applied(self.payer):
            reclaimed = await claiming.claim_again(self._with(reserved), earlier.turn_id)
        if reclaimed is None:
            failure = ModelTimeout if earlier.error_code == ModelTimeout.code else ModelFailure
            raise failure(earlier.error_detail)
        claimed, used = reclaimed
        progress = before_retry(claimed, earlier.turn_id, used)
        progress = replace(progress, prompt_bound=reserved.prompt_bound, reservation=reserved.reservation)
        return await self._run(earlier.turn_id, claimed, progress)

    async def _run(self, turn_id: UUID, claimed: Session, progress: Progress) -> StartedTurn:
        try:
            config = await config_for_session(self.caller, self.app, claimed)
        except Exception:  # only if our copy of the session was stale when we checked the release
            code, detail = "model_error", "The release that the session keeps could not be run."
            failed = TurnOutcome(turn_status="failed", model=claimed.chosen_model, error_code=code, error_detail=detail)
            await storing.finish(claimed, turn_id, failed)
            raise
        return StartedTurn(
            turn_id, self.app, launch(self.caller, turn_id, claimed, config, progress=progress, options=self.options)
        )
