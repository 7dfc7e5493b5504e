"""Sessions and messages as plain values, for the memory tier and the engine."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from apps_registry.support.text.outside_text import INTEGER_MAX
from apps_registry.support.text.visible_text import visible_line
from apps_registry.values import OPERATORS_CHANNEL

# The memory of a message's and a session's objects beyond their texts: tracemalloc measures 311 and 420 bytes on
# CPython 3.11, and the cache adds an entry per session.
MESSAGE_OVERHEAD_BYTES = 320
SESSION_OVERHEAD_BYTES = 700
# Added to twice the length of the JSON, which is about the memory that small parsed objects take.
EXTRA_OVERHEAD_BYTES = 600

IDLE = "idle"
PROCESSING = "processing"
INTERRUPTED = "interrupted"

TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message of a session.

    Attributes:
        role: user, agent, tool or system.
        content: the text; for a tool message, the tool's result.
        tool_round: the round of the turn that called the tool, from 1; 0 for a plain message.
        tool_arguments: the JSON text that the tool was called with.
        extra: see Message in sessions_app/models.py; never shown to clients.
        reasoning: stored for operators; the server does not read it back.
    """

    id: UUID
    turn_id: UUID | None
    role: str
    content: str
    created_at: datetime
    tool_round: int = 0
    tool_name: str = ""
    tool_call_id: str = ""
    tool_arguments: str = ""
    extra: Mapping[str, Any] | None = None
    reasoning: str = ""

    @property
    def size(self) -> int:
        """The message's approximate size in memory, in bytes."""
        size = MESSAGE_OVERHEAD_BYTES + sys.getsizeof(self.content) + sys.getsizeof(self.tool_arguments)
        if self.extra or self.reasoning:
            size += EXTRA_OVERHEAD_BYTES + 2 * self.extra_bytes + sys.getsizeof(self.reasoning)
        return size

    @property
    def extra_bytes(self) -> int:
        """The approximate JSON size of the provider's fields, in bytes."""
        return int(self.extra.get("bytes", 0)) if self.extra else 0


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet that a client named.

    Attributes:
        address: 0x and 40 lower-case hexadecimal digits.
        chain_id: EIP-155 chain id, if the client named one.
        is_proven: whether the client has proven that it holds the key; not part of the wallet's identity.
    """

    address: str
    chain_id: int | None = None
    is_proven: bool = field(default=False, compare=False)


class Owner(NamedTuple):
    """The App and the wallet that a session belongs to.

    Attributes:
        app_id: the App that it belongs to; None until the first chat message.
        wallet_address: the wallet that it is bound to, in canonical form, if any.
        is_operators: whether an operator began it in the playground.
    """

    app_id: int | None
    wallet_address: str | None
    is_operators: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a round of a turn may use at most.

    Attributes:
        tokens: of its prompt and answer together.
        cost: by the price of the most expensive model that may answer; None if one of them has no price.
    """

    tokens: int = 0
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnUsage:
    """What a turn has used; the fields are columns of Turn.

    Attributes:
        prompt_tokens, completion_tokens: the providers' counts; None if they sent none.
        cost: by the models' prices; None if unknown.
        unpriced_tokens: tokens that are missing in `cost`, because their model has no price.
        unreported_tokens, unreported_cost: the reservations of rounds that ended without counts.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: Decimal | None = None
    unpriced_tokens: int = 0
    unreported_tokens: int = 0
    unreported_cost: Decimal = Decimal(0)

    def with_round(
        self, prompt: int | None, completion: int | None, cost: Decimal | None, reserved: Reservation
    ) -> "TurnUsage":
        """Return the usage after a round.

        Args:
            prompt: the provider's count of its tokens; None if it sent none.
            completion: the same for the answer.
            cost: of the round; None if unknown.
            reserved: the round's reservation, which replaces counts that the provider did not send.
        """
        tokens = (prompt or 0) + (completion or 0)
        counted = replace(
            self,
            prompt_tokens=_sum(self.prompt_tokens, prompt),
            completion_tokens=_sum(self.completion_tokens, completion),
            cost=self.cost if cost is None else (self.cost or 0) + cost,
            unpriced_tokens=self.unpriced_tokens + (tokens if cost is None else 0),
        )
        if prompt is not None and completion is not None:
            return counted
        left = None if reserved.cost is None else max(Decimal(0), reserved.cost - (cost or 0))
        return counted.with_unreported(Reservation(max(0, reserved.tokens - tokens), left))

    def with_unreported(self, reserved: Reservation) -> "TurnUsage":
        """Return the usage after a round for which no provider sent any counts."""
        return replace(
            self,
            unreported_tokens=self.unreported_tokens + reserved.tokens,
            unreported_cost=self.unreported_cost + (reserved.cost or 0),
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A session at one version; immutable.

    Attributes:
        app_id: the App that it belongs to; None until the first chat message.
        chosen_model: the name of the model that the client chose; empty for the App's default.
        version: the row's version when this value was read or written.
        user_state: the client's JSON text, as sent.
        running_turn: the running turn while the status is processing, otherwise the paused turn, if any.
        summary: a summary of the first `summarised_count` messages; empty if there is none.
        release_id: the release that it keeps, if its App lets sessions keep theirs.
        channel: the channel of its first turn, by `keys.callers.Channel.name`; empty until then.
    """

    id: UUID
    app_id: int | None
    status: str
    version: int
    title: str
    chosen_model: str
    is_archived: bool
    user_state: str | None
    wallet: Wallet | None
    running_turn: UUID | None
    undelivered_events: int
    created_at: datetime
    last_active_at: datetime
    summary: str = ""
    summarised_count: int = 0
    release_id: int | None = None
    channel: str = "live"
    messages: tuple[StoredMessage, ...] = ()
    size: int = field(default=SESSION_OVERHEAD_BYTES)

    @property
    def is_operators(self) -> bool:
        """Whether an operator began it in the console's playground; callers may not open it."""
        return self.channel.startswith(OPERATORS_CHANNEL)

    def continues_in(self, channel: str) -> bool:
        """Return whether a turn in this channel may continue the session: it began there, or has not begun yet."""
        return self.channel in {"", channel}

    def with_messages(self, added: Sequence[StoredMessage], **changes: object) -> "Session":
        """Return a copy with messages appended and attributes changed."""
        size = self.size + sum(message.size for message in added)
        return replace(self, messages=(*self.messages, *added), size=size, **changes)  # type: ignore[arg-type]


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else min((total or 0) + more, INTEGER_MAX)


def first_words(text: str) -> str:
    """Return the start of a message as a title, cut between words."""
    line = visible_line(text[: 4 * TITLE_LENGTH])
    if len(line) <= TITLE_LENGTH:
        return line
    return line[: TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
