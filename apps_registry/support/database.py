"""The async connection pool of the hot path, one a worker.

Django's ORM is synchronous: in async code it costs a thread hop a query. The few statements that every chat
call makes run here instead, in autocommit, one round trip each. The bottom layer holds the pool so that all
apps can share it.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from psycopg import AsyncConnection, Error, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from apps_registry.support.database_errors import READ_ONLY, fault_of
from apps_registry.support.metrics import DATABASE_CONNECTIONS, DATABASE_FAILURES

P = ParamSpec("P")
R = TypeVar("R")

Parameters = Mapping[str, Any] | Sequence[Any]

# A request that finds no connection for so long, though it is its turn, is answered 503 and may come again.
ACQUIRE_TIMEOUT_SECONDS = 2.0
# After that so are, for so long, those that have waited for their turn.
AWAY_SECONDS = 1.0
# The pool tries again after 1, 2, 4, 8… seconds; given up early, it tries anew for the next request.
RECONNECT_SECONDS = 3.0
# A database that hangs is as good as one that is away.
STATEMENT_TIMEOUT_SECONDS = 10.0
# Django also switches prepared statements off, which would have Postgres plan each of ours again at each call.
_DJANGO_ONLY = {
    "assume_role",
    "context",
    "cursor_factory",
    "isolation_level",
    "pool",
    "prepare_threshold",
    "server_side_binding",
}
_OURS: dict[str, Any] = {"autocommit": True, "application_name": "aomi"}

_pool: AsyncConnectionPool[AsyncConnection[TupleRow]] | None = None
_turns: asyncio.Semaphore | None = None
_away_until = 0.0
_failed_at = -math.inf
_orm_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="orm")


async def open_pool() -> None:
    """Open the pool; the server calls it at start, before it takes requests.

    Raises:
        psycopg_pool.PoolTimeout: Postgres cannot be reached.
    """
    global _pool, _turns  # noqa: PLW0603 - one pool a process is the point
    _turns = asyncio.Semaphore(settings.DATABASE_POOL_SIZE)
    _pool = AsyncConnectionPool(
        kwargs=await _connection_parameters(),
        min_size=1,
        max_size=settings.DATABASE_POOL_SIZE,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        configure=_configure,
        reconnect_failed=_note_unreachable,
        open=False,
        name="aomi",
    )
    await _pool.open()


async def close_pool() -> None:
    """Close the pool; the server calls it last."""
    if _pool is not None:
        await _pool.close()
    _orm_threads.shutdown(wait=False)


async def connect() -> AsyncConnection[TupleRow]:
    """Return a connection of the caller's own, in autocommit, outside the pool.

    Raises:
        psycopg.OperationalError: Postgres cannot be reached.
    """
    own = await AsyncConnection.connect(**await _connection_parameters())
    await _configure(own)
    return own


async def connect_directly() -> AsyncConnection[TupleRow]:
    """Return a connection as `connect` does, past any pooler: DATABASE_DIRECT_URL says where Postgres itself is.

    Raises:
        psycopg.OperationalError: Postgres cannot be reached.
    """
    if not settings.DATABASE_DIRECT_URL:
        return await AsyncConnection.connect(**await _connection_parameters())
    return await AsyncConnection.connect(
        settings.DATABASE_DIRECT_URL, **_OURS, connect_timeout=settings.DATABASE_CONNECT_SECONDS
    )


async def _configure(new: AsyncConnection[TupleRow]) -> None:
    """Count a new connection; behind a pooler, have it name no prepared statements.

    A pooler gives every transaction whichever connection to Postgres is idle, on which other clients have prepared
    other statements under the same names. It answers the start of a connection itself, with a process id of its own.
    """
    DATABASE_CONNECTIONS.inc()
    cursor = await new.execute("SELECT pg_backend_pid()", prepare=False)
    row = await cursor.fetchone()
    if row is None or row[0] != new.info.backend_pid:
        new.prepare_threshold = None


def _note_unreachable(_: object) -> None:
    DATABASE_FAILURES.labels("unreachable").inc()


async def _connection_parameters() -> dict[str, Any]:
    """Return what Django's own connections are made with, for psycopg's async ones."""
    parameters = await asyncio.to_thread(connection.get_connection_params)
    return {name: value for name, value in parameters.items() if name not in _DJANGO_ONLY} | _OURS


def pool() -> AsyncConnectionPool[AsyncConnection[TupleRow]]:
    """Return the open pool."""
    if _pool is None:
        raise RuntimeError("the pool is not open: the ASGI application opens it at start-up")
    return _pool


async def execute(statement: str, parameters: Parameters = (), *, prepare: bool | None = None) -> list[TupleRow]:
    """Run one statement in its own transaction and return the rows that it returns.

    Args:
        statement: SQL.
        parameters: its values.
        prepare: as for `read`.

    Raises:
        psycopg.Error: what Postgres objects to; `is_transient` tells what may succeed later.
    """
    async with pooled_connection() as connection_:
        cursor = await connection_.execute(statement, parameters, prepare=prepare)
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return await cursor.fetchall() if has_rows else []


async def read(statement: str, parameters: Parameters = (), *, prepare: bool | None = None) -> list[TupleRow]:
    """Run one reading statement; a connection that Postgres dropped is replaced and the read repeated once.

    Args:
        statement: SQL.
        parameters: its values.
        prepare: False: planned anew each time, for these very values; None: prepared once it comes often.

    Raises:
        psycopg.Error: as `execute`.
    """
    try:
        return await execute(statement, parameters, prepare=prepare)
    except OperationalError:
        with _in_time():
            async with asyncio.timeout(STATEMENT_TIMEOUT_SECONDS):
                await pool().check()
        return await execute(statement, parameters, prepare=prepare)


@asynccontextmanager
async def pooled_connection() -> AsyncIterator[AsyncConnection[TupleRow]]:
    """Lend a connection of the pool; what hangs in here fails like a database that is away.

    Callers wait for their turn, however many they are, for as long as connections can be had at all.

    Raises:
        psycopg_pool.PoolTimeout: no connection can be had.
        psycopg.OperationalError: it took longer than STATEMENT_TIMEOUT_SECONDS.
    """
    if _turns is None:
        raise RuntimeError("the pool is not open: the ASGI application opens it at start-up")
    has_waited = _turns.locked()
    async with _turns:
        connection_ = await _acquire(has_waited=has_waited)
        try:
            with _in_time():
                async with asyncio.timeout(STATEMENT_TIMEOUT_SECONDS):
                    yield connection_
        except Error as error:
            if _count(error) == READ_ONLY:
                await connection_.close()  # a server that stays read-only may keep it; the next one may be elsewhere
            raise
        finally:
            await pool().putconn(connection_)


@contextmanager
def _in_time() -> Iterator[None]:
    """Make a database that hangs look like one that is away."""
    try:
        yield
    except TimeoutError:
        raise OperationalError("Postgres did not answer in time") from None


def failed_within(seconds: float) -> bool:
    """Whether, so many seconds ago at most, a statement of this worker failed for what may pass."""
    return time.monotonic() - _failed_at < seconds


def _count(error: Exception) -> str | None:
    global _failed_at  # noqa: PLW0603 - see _pool
    if fault := fault_of(error):
        _failed_at = time.monotonic()
        DATABASE_FAILURES.labels(fault).inc()
    return fault


async def _acquire(*, has_waited: bool) -> AsyncConnection[TupleRow]:
    global _away_until  # noqa: PLW0603 - see _pool
    now = asyncio.get_running_loop().time
    if has_waited and now() < _away_until:
        raise PoolTimeout("Postgres is away")
    try:
        return await pool().getconn()
    except PoolTimeout as error:
        _away_until = now() + AWAY_SECONDS
        _count(error)
        raise


async def run_orm(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function that uses the ORM in one of a few threads that keep their connections."""

    def call() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        except DatabaseError as error:
            if _count(error) == READ_ONLY:
                connection.close()
            raise

    return await asyncio.get_running_loop().run_in_executor(_orm_threads, call)
