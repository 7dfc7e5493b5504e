"""Open MCP sessions: one per server and turn, or per server and conversation. Callers never share one."""

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

# Limits of sessions that outlive their turns, for each worker.
MAX_KEPT = 100
IDLE_SECONDS = 600.0
# When a worker stops, sessions that are not ended in this time are left to the servers' own timeouts.
CLOSE_ALL_SECONDS = 5.0

StoreRecords = Callable[[list[CallRecord]], Awaitable[None]]
_Key = tuple[UUID, str]


@dataclass(slots=True)
class _OpenSession:
    """A session, with the function that stores the records of ending it."""

    session: McpSession
    store: StoreRecords
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class McpSessions:
    """The sessions of this worker.

    Attributes:
        by_turn: sessions that end with their turn.
        kept: sessions of conversations, the most recently used last. They end when they have been idle for a while, or
            when there are too many.
    """

    by_turn: dict[UUID, dict[str, _OpenSession]] = field(default_factory=dict)
    kept: dict[_Key, _OpenSession] = field(default_factory=dict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def of_turn(self, turn_id: UUID, owner: Hashable, endpoint: Endpoint, store: StoreRecords) -> McpSession:
        """Return a turn's session with a server; it connects on its first request.

        Args:
            turn_id: of the turn.
            owner: distinguishes sessions further, such as by App.
            endpoint: the server; different headers or rules mean a different session.
            store: stores the records of ending the session.
        """
        turn_sessions = self.by_turn.setdefault(turn_id, {})
        key = _fingerprint(owner, endpoint)
        if key not in turn_sessions:
            turn_sessions[key] = _OpenSession(McpSession(endpoint), store)
        return turn_sessions[key].session

    def of_conversation(
        self, conversation_id: UUID, owner: Hashable, endpoint: Endpoint, store: StoreRecords
    ) -> McpSession:
        """Return a conversation's session with a server; see `of_turn`."""
        key = conversation_id, _fingerprint(owner, endpoint)
        entry = self.kept.pop(key, None) or _OpenSession(McpSession(endpoint), store)
        self.kept[key] = entry
        entry.store = store
        if entry.timer:
            entry.timer.cancel()
        entry.timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_kept, key, entry)
        if len(self.kept) > MAX_KEPT:
            oldest = next(
                (candidate for candidate, other in self.kept.items() if candidate != key and not other.session.active),
                None,
            )
            if oldest is not None:
                self._end_kept(oldest, self.kept[oldest])
        return entry.session

    def end_turn(self, turn_id: UUID) -> None:
        """End a turn's sessions in the background."""
        for entry in self.by_turn.pop(turn_id, {}).values():
            self._end(entry)

    async def close(self) -> None:
        """End all sessions; takes at most a few seconds."""
        for turn_id in list(self.by_turn):
            self.end_turn(turn_id)
        for key, entry in list(self.kept.items()):
            self._end_kept(key, entry)
        if self._closing:
            await asyncio.wait(self._closing, timeout=CLOSE_ALL_SECONDS)

    def _end_kept(self, key: _Key, entry: _OpenSession) -> None:
        if self.kept.get(key) is entry:
            del self.kept[key]
        if entry.timer:
            entry.timer.cancel()
        self._end(entry)

    def _end(self, entry: _OpenSession) -> None:
        task = asyncio.create_task(_close(entry), name="mcp-session-end")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


mcp_sessions = McpSessions()


@asynccontextmanager
async def single_session(endpoint: Endpoint, records: list[CallRecord]) -> AsyncIterator[McpSession]:
    """Yield a session for an operator's action, outside any turn."""
    session = McpSession(endpoint)
    try:
        yield session
    finally:
        await session.close(records)


async def _close(entry: _OpenSession) -> None:
    records: list[CallRecord] = []
    try:
        await entry.session.close(records)
        if records:
            await entry.store(records)
    except Exception as error:  # the turn is over, so there is no caller to report this to
        logger.warning("an MCP session could not be ended: %s", location(error))


def _fingerprint(owner: Hashable, endpoint: Endpoint) -> str:
    rules = sorted(endpoint.allowed_hosts), sorted(endpoint.only_hosts)
    return fingerprint(str(owner), endpoint.url, sorted(endpoint.headers.items()), *rules, endpoint.timeout_seconds)
