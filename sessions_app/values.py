"""Sessions and messages as plain values: what the memory tier holds and the engine reads."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from apps_registry.support.visible_text import visible_line

# What the objects of a message and of a session cost beyond their texts: tracemalloc counts 311 and 420 bytes
# on CPython 3.11, to which the cache adds an entry a session.
MESSAGE_OVERHEAD_BYTES = 320
SESSION_OVERHEAD_BYTES = 700
# Its objects, besides twice their JSON, which is about what small objects take.
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
        content: its text; of a tool message the tool's result.
        tool_round: which round of its turn called the tool, from 1; 0 for a plain message.
        tool_arguments: the JSON text that the tool was called with.
        extra: see Message in sessions_app/models.py; never shown to clients.
        reasoning: to be stored; not read again.
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
        """Bytes that it occupies in memory, about."""
        size = MESSAGE_OVERHEAD_BYTES + sys.getsizeof(self.content) + sys.getsizeof(self.tool_arguments)
        if self.extra or self.reasoning:
            size += EXTRA_OVERHEAD_BYTES + 2 * self.extra_bytes + sys.getsizeof(self.reasoning)
        return size

    @property
    def extra_bytes(self) -> int:
        """Bytes of JSON that what the model's provider sent along takes, about."""
        return int(self.extra.get("bytes", 0)) if self.extra else 0


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet that a client named.

    Attributes:
        address: 0x and 40 lower-case hexadecimal digits.
        chain_id: EIP-155 chain id, if it was given.
        is_proven: the client holds its key; not part of which wallet it is.
    """

    address: str
    chain_id: int | None = None
    is_proven: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as of one version. Changes make a new value; a held one never changes.

    Attributes:
        app_id: the App that it belongs to; None until the first chat message.
        chosen_model: the name of the model that the client chose; empty: the App's default.
        version: the row's version that this value was read at or written as.
        user_state: the client's JSON text, as sent.
        running_turn: the turn that runs, while status is processing; else the one that is paused.
        summary: of its first messages, as many as summarised_count; empty while there is none.
        release_id: the release that it keeps, if its App lets sessions keep theirs.
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
    messages: tuple[StoredMessage, ...] = ()
    size: int = field(default=SESSION_OVERHEAD_BYTES)

    def with_messages(self, added: Sequence[StoredMessage], **changes: object) -> "Session":
        """Return the session with messages appended and attributes changed."""
        grown = self.size + sum(message.size for message in added)
        return replace(self, messages=(*self.messages, *added), size=grown, **changes)  # type: ignore[arg-type]


def first_words(text: str) -> str:
    """Return the beginning of a message as a title, cut at a word."""
    line = visible_line(text[: 4 * TITLE_LENGTH])
    if len(line) <= TITLE_LENGTH:
        return line
    return line[: TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
