"""The three-tier loader: memory, then Postgres, then create.

Memory is a cache that is checked against Postgres. A chat call may use a stale copy until it claims the turn: the
claiming statement names the version of the copy, and fails if the row has another version. Every other call compares
the versions, one indexed read, before it uses the copy.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from cachetools import LRUCache
from django.conf import settings
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import TupleRow

from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from apps_registry.support.metrics import SESSION_LOADS
from sessions_app.events.hub import hub
from sessions_app.sql import many as sql_many
from sessions_app.sql import sessions as sql
from sessions_app.sql import turns as sql_turns
from sessions_app.sql.messages import READ_MESSAGES
from sessions_app.sql.rows import message_from_row, session_from_row
from sessions_app.values import INTERRUPTED, Owner, Session, Wallet

DELETE_ATTEMPTS = 5

Counted = tuple[str, Mapping[str, object]]

READ_TOGETHER = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class SessionStore:
    """This worker's cache of sessions, an LRU cache bounded by bytes, and the operations on single sessions."""

    def __init__(self, *, total_bytes: int, entry_bytes: int) -> None:
        self._memory: LRUCache[UUID, Session] = LRUCache(total_bytes, getsizeof=lambda session: session.size)
        self._entry_bytes = min(entry_bytes, total_bytes)

    def remembered(self, session_id: UUID) -> Session | None:
        """Return the copy in memory, which may be stale: only a claim with its version proves it fresh."""
        session = self._memory.get(session_id)
        if session is not None:
            SESSION_LOADS.labels("memory").inc()
        return session

    def remember(self, session: Session) -> None:
        """Put a session into memory, unless it is larger than an entry may be."""
        if session.size <= self._entry_bytes:
            self._memory[session.id] = session
        else:
            self.forget(session.id)

    def forget(self, session_id: UUID) -> None:
        """Drop a session from memory."""
        self._memory.pop(session_id, None)

    async def load(self, session_id: UUID) -> Session | None:
        """Return the current session, from memory if the copy there has the row's version.

        If the worker of its turn has died, end the turn first: the session becomes interrupted.
        """
        rows = await database.read(sql.READ_VERSION, {"session": session_id})
        if not rows:
            self.forget(session_id)
            return None
        is_expired, version = rows[0]
        if is_expired:
            return await self.reload(session_id)
        remembered = self._memory.get(session_id)
        if remembered is not None and remembered.version == version:
            SESSION_LOADS.labels("memory").inc()
            return remembered
        return await self.reload(session_id)

    async def reload(self, session_id: UUID) -> Session | None:
        """Read the session from Postgres, even if it is in memory."""
        session, is_expired = await self._read(session_id)
        # While Postgres was unavailable, the leases of live workers expired too: give them one lease time to renew.
        if session is not None and is_expired and not database.failed_within(settings.TURN_LEASE_SECONDS):
            if await database.execute(sql_turns.EXPIRE_TURN, {"session": session_id}):
                hub.publish(session_id, session.app_id, "status_changed", status=INTERRUPTED)
            session, _ = await self._read(session_id)
        if session is None:
            self.forget(session_id)
            return None
        SESSION_LOADS.labels("postgres").inc()
        self.remember(session)
        return session

    async def create(
        self, session_id: UUID, *, app_id: int | None, wallet: Wallet | None, counted: Counted
    ) -> Session | None:
        """Create an empty session; return None if it exists already.

        Args:
            session_id: the session.
            app_id: its App; None leaves it open.
            wallet: the wallet to bind to it.
            counted: an SQL expression for each session that is created, with its parameters; if it fails, nothing is
                stored.
        """
        expression, parameters = counted
        statement = sql.create_session(expression)
        rows = await database.execute(
            statement, {"session": session_id, "app": app_id, **wallet_parameters(wallet), **parameters}
        )
        return self._created(rows[0][:-1]) if rows else None

    async def update(
        self,
        session_id: UUID,
        *,
        app_id: int | None = None,
        title: str | None = None,
        user_state: str | None = None,
        wallet: Wallet | None = None,
    ) -> None:
        """Update the given fields; a session that already has an App keeps it."""
        parameters = {"session": session_id, "app": app_id, "title": title, "user_state": user_state}
        await database.execute(sql.UPDATE_SESSION, {**parameters, **wallet_parameters(wallet)})

    async def give_title(self, session_id: UUID, *, title: str, instead_of: str) -> bool:
        """Replace the title `instead_of`, which is the first words; return False if it has changed in the meantime."""
        parameters = {"session": session_id, "title": title, "instead_of": instead_of}
        return bool(await database.execute(sql.GIVE_TITLE, parameters))

    async def give_summary(self, session_id: UUID, *, summary: str, count: int, last: UUID, instead_of: int) -> bool:
        """Store a summary of a session's first messages; return False if these or their summary have changed meanwhile.

        Args:
            session_id: the session.
            summary: the text.
            count: the number of messages that the summary covers.
            last: the id of the last of them.
            instead_of: the number of messages that the previous summary covers.
        """
        parameters = {"session": session_id, "summary": summary, "count": count, "last": last, "instead_of": instead_of}
        return bool(await database.execute(sql.GIVE_SUMMARY, parameters))

    async def choose_model(self, session_id: UUID, model: str) -> bool:
        """Choose the model for the session's next turns; return False if there is no such session."""
        return bool(await database.execute(sql.CHOOSE_MODEL, {"session": session_id, "model": model}))

    async def set_archived(self, session_id: UUID, is_archived: bool) -> None:
        """Archive or unarchive a session; idempotent."""
        await database.execute(sql.SET_ARCHIVED, {"session": session_id, "is_archived": is_archived})

    async def delete(self, session_id: UUID) -> bool:
        """Delete the session with its messages, turns and events; return False if there is none."""
        self.forget(session_id)
        for attempt in range(DELETE_ATTEMPTS):
            try:
                return bool(await database.execute(sql.DELETE_SESSION, {"session": session_id}))
            except ForeignKeyViolation:
                # A turn that ended after the statement's snapshot, but before its lock, has added messages.
                if attempt == DELETE_ATTEMPTS - 1:
                    raise
        return False

    async def owners(self, session_ids: Collection[UUID]) -> dict[UUID, Owner]:
        """Return the owners of sessions; sessions that do not exist are missing."""
        rows = await database.read(sql_many.READ_OWNERS, {"sessions": list(session_ids)})
        return {session_id: Owner(*owner) for session_id, *owner in rows}

    async def partial_text(self, turn_id: UUID) -> str:
        """Return the text that a turn of another worker had streamed when it was last stored."""
        rows = await database.read(sql_turns.READ_PARTIAL_TEXT, {"turn": turn_id})
        return str(rows[0][0]) if rows else ""

    async def undelivered_events(self, session_id: UUID) -> list[tuple[str, str]]:
        """Return (kind, JSON payload) of the events that no snapshot has delivered, and mark them delivered.

        If they cannot be marked now, return none: a later snapshot delivers them.
        """
        try:
            rows = await database.execute(sql.DELIVER_EVENTS, {"session": session_id})
        except Exception as error:
            if not is_transient(error):
                raise
            return []
        return [(kind, payload) for kind, payload in rows]

    async def _read(self, session_id: UUID) -> tuple[Session | None, bool]:
        parameters = {"session": session_id}
        async with database.pooled_connection() as connection:
            # One database snapshot for both statements, so that the messages belong to the row's version.
            async with connection.pipeline():
                await connection.execute(READ_TOGETHER)
                session_cursor = await connection.execute(sql.READ_SESSION, parameters)
                message_cursor = await connection.execute(READ_MESSAGES, parameters)
                await connection.execute("COMMIT")
            row = await session_cursor.fetchone()
            if row is None:
                return None, False
            messages = [message_from_row(message_row) for message_row in await message_cursor.fetchall()]
        is_expired, *session_row = row
        return session_from_row(tuple(session_row)).with_messages(messages), bool(is_expired)

    def _created(self, row: TupleRow) -> Session:
        SESSION_LOADS.labels("created").inc()
        session = session_from_row(row)
        self.remember(session)
        return session


def wallet_parameters(wallet: Wallet | None) -> dict[str, object]:
    """Return a wallet's columns as statement parameters."""
    return {
        "wallet_address": wallet.address if wallet else None,
        "wallet_chain_id": wallet.chain_id if wallet else None,
        "wallet_is_proven": wallet is not None and wallet.is_proven,
    }


store = SessionStore(total_bytes=settings.SESSION_CACHE_TOTAL_BYTES, entry_bytes=settings.SESSION_CACHE_ENTRY_BYTES)
