"""MCP sessions that are open: one for each server and turn, or conversation; none is shared between callers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from apps_registry.mcp.session import McpSession
from apps_registry.mcp.wire import Endpoint
from apps_registry.outbound.client import CallRecord
from apps_registry.support.error_location import location
from apps_registry.support.fingerprint import fingerprint

logger = logging.getLogger("aomi.mcp")

# Of sessions that outlive their turns, in each worker.
MAX_KEPT = 100
IDLE_SECONDS = 600.0
# A worker that stops leaves the rest to the servers' own limits.
CLOSE_ALL_SECONDS = 5.0

StoreRecords = Callable[[list[CallRecord]], Awaitable[None]]
_Key = tuple[UUID, str]


@dataclass(slots=True)
class _Open:
    """A session, with what stores the records of its end."""

    session: McpSession
    store: StoreRecords
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class McpSessions:
    """The sessions of this worker.

    Attributes:
        by_turn: end with their turn.
        kept: of conversations, the one that was used last at the end; end when they have not been used for a while,
            or when there are too many.
    """

    by_turn: dict[UUID, dict[str, _Open]] = field(default_factory=dict)
    kept: dict[_Key, _Open] = field(default_factory=dict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def of_turn(self, turn_id: UUID, owner: Hashable, endpoint: Endpoint, store: StoreRecords) -> McpSession:
        """Return a turn's session with a server, which need not be connected yet.

        Args:
            turn_id: of the turn.
            owner: what else tells the session from others, such as the App.
            endpoint: the server; with other headers or other rules it gets another session.
            store: stores the records of what ending it takes.
        """
        mine = self.by_turn.setdefault(turn_id, {})
        key = _fingerprint(owner, endpoint)
        if key not in mine:
            mine[key] = _Open(McpSession(endpoint), store)
        return mine[key].session

    def of_conversation(
        self, conversation_id: UUID, owner: Hashable, endpoint: Endpoint, store: StoreRecords
    ) -> McpSession:
        """Return a conversation's session with a server; as `of_turn`."""
        key = conversation_id, _fingerprint(owner, endpoint)
        found = self.kept.pop(key, None) or _Open(McpSession(endpoint), store)
        self.kept[key] = found
        found.store = store
        if found.timer:
            found.timer.cancel()
        found.timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_kept, key, found)
        if len(self.kept) > MAX_KEPT:
            oldest = next((each for each, open_ in self.kept.items() if each != key and not open_.session.active), None)
            if oldest is not None:
                self._end_kept(oldest, self.kept[oldest])
        return found.session

    def end_turn(self, turn_id: UUID) -> None:
        """End a turn's sessions in the background."""
        for open_ in self.by_turn.pop(turn_id, {}).values():
            self._end(open_)

    async def close(self) -> None:
        """End all sessions; takes a few seconds at most."""
        for turn_id in list(self.by_turn):
            self.end_turn(turn_id)
        for key, open_ in list(self.kept.items()):
            self._end_kept(key, open_)
        if self._closing:
            await asyncio.wait(self._closing, timeout=CLOSE_ALL_SECONDS)

    def _end_kept(self, key: _Key, open_: _Open) -> None:
        if self.kept.get(key) is open_:
            del self.kept[key]
        if open_.timer:
            open_.timer.cancel()
        self._end(open_)

    def _end(self, open_: _Open) -> None:
        task = asyncio.create_task(_close(open_), name="mcp-session-end")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


mcp_sessions = McpSessions()


@asynccontextmanager
async def single_session(endpoint: Endpoint, records: list[CallRecord]) -> AsyncIterator[McpSession]:
    """Give a session for what an operator has done, outside of all turns."""
    session = McpSession(endpoint)
    try:
        yield session
    finally:
        await session.close(records)


async def _close(open_: _Open) -> None:
    records: list[CallRecord] = []
    try:
        await open_.session.close(records)
        if records:
            await open_.store(records)
    except Exception as error:  # the turn is over: nobody is there to be told
        logger.warning("an MCP session could not be ended: %s", location(error))


def _fingerprint(owner: Hashable, endpoint: Endpoint) -> str:
    rules = sorted(endpoint.allowed_hosts), sorted(endpoint.only_hosts)
    return fingerprint(str(owner), endpoint.url, sorted(endpoint.headers.items()), *rules, endpoint.timeout_seconds)
