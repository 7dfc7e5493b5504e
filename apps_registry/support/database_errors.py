"""Classifies database errors of psycopg, its pool and Django's ORM: is the error transient, and what is the fault?

The two layers raise different classes for the same fault, and psycopg's classes do not match faults either: a
read-only server raises InternalError. So the SQLSTATE that Postgres sends decides.
"""

from django.db import utils as orm
from psycopg import Error, InterfaceError, OperationalError

READ_ONLY = "read_only"
# A key of two characters covers a whole class of codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
FAULTS = {
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
KEY_LENGTHS = (5, 2)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same statement may succeed later without any change.

    True while Postgres is unreachable, starting, read-only, or out of disk, connections or memory, and for statements
    that it cancelled because of a conflict or a timeout. False for an error in the statement or its values, and for
    errors that did not come from the database.

    Args:
        error: any exception.
    """
    return fault_of(error) is not None


def fault_of(error: BaseException) -> str | None:
    """Return the name of a transient fault; None for any other error."""
    if isinstance(error, orm.Error) and isinstance(error.__cause__, Error):
        error = error.__cause__
    if isinstance(error, Error) and error.sqlstate:
        return next((FAULTS[code] for n in KEY_LENGTHS if (code := error.sqlstate[:n]) in FAULTS), None)
    # An error without a code did not come from the server: the connection broke, was refused, or was unavailable.
    connection_errors = (OperationalError, InterfaceError, orm.OperationalError, orm.InterfaceError)
    return "unreachable" if isinstance(error, connection_errors) else None
