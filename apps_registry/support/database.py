"""The async connection pool of the hot path, one per worker.

Django's ORM is synchronous: in async code each query costs a switch to another thread. The few statements that every
chat call needs run here instead, in autocommit, one round trip each. The pool is in the lowest layer so that all apps
can share it.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
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

# A request that has a slot and gets no connection within this time is answered with 503 and may be sent again.
ACQUIRE_TIMEOUT_SECONDS = 2.0
# For this long after such a failure, requests that had to wait for a slot fail immediately.
AWAY_SECONDS = 1.0
# The pool retries after 1, 2, 4, 8… seconds. Giving up early makes it start over for the next request.
RECONNECT_SECONDS = 3.0
# A database that does not answer within this time counts as unreachable.
STATEMENT_TIMEOUT_SECONDS = 10.0
# Parameters that psycopg does not know, and `prepare_threshold`: Django turns prepared statements off, which would make
# Postgres plan every statement again for each call.
_DJANGO_ONLY = {
    "assume_role",
    "context",
    "cursor_factory",
    "isolation_level",
    "pool",
    "prepare_threshold",
    "server_side_binding",
}
_COMMON_PARAMETERS: dict[str, Any] = {"autocommit": True, "application_name": "aomi"}

_pool: AsyncConnectionPool[AsyncConnection[TupleRow]] | None = None
_turns: asyncio.Semaphore | None = None
# Tasks that give way have this part of the pool together, so that a flood of them leaves connections for others.
GIVING_WAY_SHARE = 0.5
_giving_way: asyncio.Semaphore | None = None
_gives_way: ContextVar[bool] = ContextVar("gives_way", default=False)
_NOTHING = nullcontext()
_away_until = 0.0
_failed_at = -math.inf
_orm_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="orm")


async def open_pool() -> None:
    """Open the pool; the server calls this at start-up, before it accepts requests.

    Raises:
        psycopg_pool.PoolTimeout: Postgres cannot be reached.
    """
    global _pool, _turns, _giving_way  # noqa: PLW0603 - one pool for the whole process
    _turns = asyncio.Semaphore(settings.DATABASE_POOL_SIZE)
    _giving_way = asyncio.Semaphore(max(1, int(settings.DATABASE_POOL_SIZE * GIVING_WAY_SHARE)))
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
    """Close the pool; the server calls this last."""
    if _pool is not None:
        await _pool.close()
    _orm_threads.shutdown(wait=False)


async def connect() -> AsyncConnection[TupleRow]:
    """Return a new connection in autocommit mode, outside the pool; the caller closes it.

    Raises:
        psycopg.OperationalError: Postgres cannot be reached.
    """
    connection_ = await AsyncConnection.connect(**await _connection_parameters())

    return connection_


async def connect_directly() -> AsyncConnection[TupleRow]:
    """Return a connection as `connect` does, but to Postgres itself (DATABASE_DIRECT_URL), bypassing any pooler.

    Raises:
        psycopg.OperationalError: Postgres cannot be reached.
    """
    if not settings.DATABASE_DIRECT_URL:
        return await AsyncConnection.connect(**await _connection_parameters())
    return await AsyncConnection.connect(
        settings.DATABASE_DIRECT_URL, **_COMMON_PARAMETERS, connect_timeout=settings.DATABASE_CONNECT_SECONDS
    )


async def _configure(new: AsyncConnection[TupleRow]) -> None:
    """Count a new connection; behind a pooler, turn its prepared statements off.

    A pooler runs each transaction on any idle connection to Postgres, where other clients have prepared other
    statements under the same names. It can be detected: it answers the start of a connection itself, with a process id
    of its own.
    """
    DATABASE_CONNECTIONS.inc()
    cursor = await new.execute("SELECT pg_backend_pid()", prepare=False)
    row = await cursor.fetchone()
    if row is None or row[0] != new.info.backend_pid:
        new.prepare_threshold = None


def _note_unreachable(_: object) -> None:
    DATABASE_FAILURES.labels("unreachable").inc()


async def _connection_parameters() -> dict[str, Any]:
    """Return the parameters of Django's own connections, without those that only Django understands."""
    parameters = await asyncio.to_thread(connection.get_connection_params)
    return {name: value for name, value in parameters.items() if name not in _DJANGO_ONLY} | _COMMON_PARAMETERS


def pool() -> AsyncConnectionPool[AsyncConnection[TupleRow]]:
    """Return the open pool; raise RuntimeError if it is not open."""
    if _pool is None:
        raise RuntimeError("the pool is not open: the ASGI application opens it at start-up")
    return _pool


async def execute(statement: str, parameters: Parameters = (), *, prepare: bool | None = None) -> list[TupleRow]:
    """Run one statement in its own transaction and return its rows.

    Args:
        statement: SQL.
        parameters: its values.
        prepare: as for `read`.

    Raises:
        psycopg.Error: the statement failed; `is_transient` tells whether it may succeed later.
    """
    async with pooled_connection() as connection_:
        cursor = await connection_.execute(statement, parameters, prepare=prepare)
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return await cursor.fetchall() if has_rows else []


async def read(statement: str, parameters: Parameters = (), *, prepare: bool | None = None) -> list[TupleRow]:
    """Run one read-only statement; if Postgres dropped the connection, replace it and try once more.

    Args:
        statement: SQL.
        parameters: its values.
        prepare: False: Postgres plans the statement for these values each time; None: psycopg prepares frequent
        statements.

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


def give_way(*, to_others: bool) -> None:
    """Set whether the statements of this task, and of tasks that it starts, leave a part of the pool to others."""
    _gives_way.set(to_others)


def is_full_for_some() -> bool:
    """Whether a statement of a task that gives way would have to wait for a connection."""
    return _giving_way is not None and _giving_way.locked()


@asynccontextmanager
async def pooled_connection() -> AsyncIterator[AsyncConnection[TupleRow]]:
    """Lend a connection of the pool; a statement that takes too long fails as if Postgres were unreachable.

    Any number of callers may wait for a slot, unless no connection can be made at all.

    Raises:
        psycopg_pool.PoolTimeout: no connection is available.
        psycopg.OperationalError: it took longer than STATEMENT_TIMEOUT_SECONDS.
    """
    if _turns is None or _giving_way is None:
        raise RuntimeError("the pool is not open: the ASGI application opens it at start-up")
    own_turns = _giving_way if _gives_way.get() else None
    has_waited = _turns.locked() or (own_turns is not None and own_turns.locked())
    async with own_turns or _NOTHING, _turns:
        connection_ = await _acquire(has_waited=has_waited)
        try:
            with _in_time():
                async with asyncio.timeout(STATEMENT_TIMEOUT_SECONDS):
                    yield connection_
        except Error as error:
            if _count(error) == READ_ONLY:
                await connection_.close()  # this server stays read-only; the next connection may reach another one
            raise
        finally:
            await pool().putconn(connection_)


@contextmanager
def _in_time() -> Iterator[None]:
    """Raise the error of an unreachable database when a database does not answer in time."""
    try:
        yield
    except TimeoutError:
        raise OperationalError("Postgres did not answer in time") from None


def failed_within(seconds: float) -> bool:
    """Tell whether a statement of this worker had a transient failure in the last `seconds`."""
    return time.monotonic() - _failed_at < seconds


def _count(error: Exception) -> str | None:
    global _failed_at  # noqa: PLW0603 - see _pool
    if fault := fault_of(error):
        _failed_at = time.monotonic()
        DATABASE_FAILURES.labels(fault).inc()
    return fault


async def _acquire(*, has_waited: bool) -> AsyncConnection[TupleRow]:
    global _away_until  # noqa: PLW0603 - see _pool
    clock = asyncio.get_running_loop().time
    if has_waited and clock() < _away_until:
        raise PoolTimeout("Postgres is unreachable")
    try:
        return await pool().getconn()
    except PoolTimeout as error:
        _away_until = clock() + AWAY_SECONDS
        _count(error)
        raise


async def run_orm(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function that uses the ORM in a small thread pool whose threads keep their connections."""

    def call() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        except DatabaseError as error:
            if _count(error) == READ_ONLY:
                connection.close()
            raise

    return await asyncio.get_running_loop().run_in_executor(_orm_threads, call)
