"""Which database errors of Django and psycopg are temporary."""

import psycopg
import pytest
from django.db import Error as DjangoError
from django.db import connection
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from apps_registry.support.database_errors import fault_of, is_transient


def of_django(error: psycopg.Error) -> DjangoError:
    """Return the same error as raised by the ORM."""
    with pytest.raises(DjangoError) as raised, connection.wrap_database_errors:
        raise error
    return raised.value


PASSING: dict[str, list[psycopg.Error]] = {
    "read_only": [errors.ReadOnlySqlTransaction()],
    "disk_full": [errors.DiskFull()],
    "out_of_memory": [errors.OutOfMemory()],
    "no_connections": [errors.TooManyConnections(), errors.ConfigurationLimitExceeded()],
    "conflict": [errors.SerializationFailure(), errors.DeadlockDetected(), errors.LockNotAvailable()],
    "timeout": [errors.QueryCanceled(), errors.IdleInTransactionSessionTimeout()],
    "unreachable": [
        errors.AdminShutdown(),
        errors.CrashShutdown(),
        errors.CannotConnectNow(),
        errors.ConnectionFailure(),
        errors.ProtocolViolation(),  # pgbouncer's message that it has no connection
        errors.IoError(),
        psycopg.OperationalError("connection failed"),
        psycopg.InterfaceError("the connection is closed"),
        PoolTimeout(),
        PoolClosed(),
    ],
}
LASTING = [
    errors.UniqueViolation(),
    errors.UndefinedTable(),
    errors.SyntaxError(),
    errors.InsufficientPrivilege(),
    errors.CharacterNotInRepertoire(),
    errors.InFailedSqlTransaction(),
    errors.InternalError_(),
    psycopg.DataError("NUL"),
]


@pytest.mark.parametrize(
    ("word", "error"), [(word, error) for word, all_ in PASSING.items() for error in all_], ids=repr
)
def test_temporary_errors_have_a_name_in_both_layers(word: str, error: psycopg.Error) -> None:
    assert (fault_of(error), fault_of(of_django(error))) == (word, word)


@pytest.mark.parametrize("error", [*LASTING, *map(of_django, LASTING), ValueError(), TimeoutError()], ids=repr)
def test_other_errors_have_none(error: Exception) -> None:
    assert not is_transient(error)
