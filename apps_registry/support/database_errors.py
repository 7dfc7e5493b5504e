"""What a database error means: whether it may pass, in one place for psycopg, its pool and Django's ORM.

The two layers raise different classes for the same fault, and psycopg's own classes do not follow it either: a
read-only server raises InternalError. What Postgres itself says of a fault is its SQLSTATE, which decides here.
"""

from django.db import utils as orm
from psycopg import Error, InterfaceError, OperationalError

READ_ONLY = "read_only"
# Two characters name a class of codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
KINDS = {
    "08": "unreachable",
    "25006": READ_ONLY,
    "25P03": "timeout",
    "25P04": "timeout",
    "40": "conflict",
    "53100": "disk_full",
    "53200": "out_of_memory",
    "53": "no_connections",
    "55P03": "conflict",
    "57014": "timeout",
    "57": "unreachable",
    "58": "unreachable",
    "72": "conflict",
    "F0": "unreachable",
}
LENGTHS = (5, 2)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same statement may succeed later, with nothing changed by us.

    True while Postgres is away, starting, read-only, full, or out of connections or memory, and for what it broke off
    in favour of others or of time; False for what is wrong with the statement or its values, and for what did not
    come from the database.

    Args:
        error: any exception: psycopg's, its pool's or the ORM's.
    """
    return fault_of(error) is not None


def fault_of(error: BaseException) -> str | None:
    """Name the fault in a word; None for an error that will not pass."""
    if isinstance(error, orm.Error) and isinstance(error.__cause__, Error):
        error = error.__cause__
    if isinstance(error, Error) and error.sqlstate:
        return next((KINDS[code] for n in LENGTHS if (code := error.sqlstate[:n]) in KINDS), None)
    # Without a code it did not come from the server: the connection broke, was refused, or was unavailable.
    lost = (OperationalError, InterfaceError, orm.OperationalError, orm.InterfaceError)
    return "unreachable" if isinstance(error, lost) else None
