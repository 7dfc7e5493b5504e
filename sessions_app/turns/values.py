"""Turns as values: how one starts, what a running one has used, how it ends, and why one is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sessions_app.open_calls import OpenCall
from sessions_app.turns.pauses import Pause
from sessions_app.values import IDLE, Reservation, Session, StoredMessage, TurnUsage, Wallet

NOTHING_RESERVED, NOTHING_USED = Reservation(), TurnUsage()


class SessionBusy(Exception):
    """A turn runs in the session; nothing was stored."""


class SessionOfAnotherWallet(Exception):
    """The session or the call has a wallet other than the one that the caller is limited to."""

    rule = "wallet_of_token"


class SessionOfAnotherApp(Exception):
    """The session belongs to another App; nothing was stored.

    Attributes:
        facts: for operators: that App's slug, if it is known.
    """

    rule = "session_of_another_app"

    def __init__(self, slug: str | None = None) -> None:
        super().__init__()
        self.facts = {"session_app": slug} if slug else {}


class SessionOfAnotherChannel(SessionOfAnotherApp):
    """The session began in another channel; nothing was stored. Callers get the same error as for another App's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A user's message, and the App that answers it.

    Attributes:
        release_id: the App's live release; None for its draft.
        keeps_release: whether the session keeps the release that it started with.
        reservation: what its first round may use.
        admission: limits for triggers of the database, as JSON; None if the caller brings none.
        channel: the caller's channel, in which a session must have begun.
        only_wallet: the wallet that the session must be bound to, unless it is bound to none; None: any.
        options: what the caller asks of this turn (chat/turns/input/options.py), as JSON text.
        is_stateless: whether the session exists for this turn only.
    """

    turn_id: UUID
    message_id: UUID
    session_id: UUID
    app_id: int
    app_key_id: int | None
    content: str
    idempotency_key: str | None = None
    user_state: str | None = None
    wallet: Wallet | None = None
    release_id: int | None = None
    keeps_release: bool = False
    reservation: Reservation = NOTHING_RESERVED
    admission: str | None = None
    channel: str = "live"
    only_wallet: str | None = None
    options: str | None = None
    is_stateless: bool = False

    def check_session(self, session: Session) -> None:
        """Check that the turn may continue a session.

        Raises:
            SessionOfAnotherApp: the session belongs to another App.
            SessionOfAnotherChannel: it began in another channel.
            SessionOfAnotherWallet: it is bound to a wallet other than the only one that the turn may have.
        """
        if session.app_id not in {None, self.app_id}:
            raise SessionOfAnotherApp
        if not session.continues_in(self.channel):
            raise SessionOfAnotherChannel
        if self.only_wallet and session.wallet and session.wallet.address != self.only_wallet:
            raise SessionOfAnotherWallet


@dataclass(frozen=True, slots=True)
class EarlierTurn:
    """The turn that an earlier request with the same idempotency key started.

    Attributes:
        app_id: the App that the turn was started with.
        has_same_message: whether its message equals that of the new request.
    """

    turn_id: UUID
    status: str
    error_code: str
    error_detail: str
    app_id: int
    has_same_message: bool


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn has ended, or what it waits for.

    Attributes:
        status: of the turn, see Turn.Status.
        error_detail: a sentence for the operator, if it failed.
        open_calls: the calls that a paused turn waits for.
    """

    status: str
    error_code: str
    error_detail: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    open_calls: Sequence[OpenCall]


class ShownUsage(NamedTuple):
    """What a turn has used, for callers.

    Attributes:
        lacks_money: whether `cost` is less than the turn cost, because a model had no price.
    """

    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: Decimal | None
    lacks_money: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOutcome:
    """How a turn ended and what it adds to the session.

    Attributes:
        turn_status: completed, failed, interrupted or paused.
        session_status: idle or interrupted.
        error_detail: a sentence for the operator.
        partial_text: the text so far of a failed reply, for the operator.
        attempts: {"model", "code"}, with an optional "note", for each failed model and each refused part of a request.
        event: (kind, JSON payload) of a system event for the client, if any.
        pause: what a paused turn waits for.
        steps: when its rounds and calls began and ended, for operators; they are added to those of before a pause.
    """

    turn_status: str
    model: str
    session_status: str = IDLE
    messages: Sequence[StoredMessage] = ()
    finish_reason: str = ""
    error_code: str = ""
    error_detail: str = ""
    partial_text: str = ""
    used: TurnUsage = NOTHING_USED
    tool_rounds: int = 0
    first_token_ms: int | None = None
    attempts: Sequence[Mapping[str, str]] = ()
    event: tuple[str, str] | None = None
    pause: Pause | None = None
    steps: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnProgress:
    """What a running turn has used, and what its next round may use.

    Attributes:
        model: the model that answered last.
    """

    model: str
    tool_rounds: int
    used: TurnUsage
    reservation: Reservation
