"""How many files and sockets the process may have open, and who may have how many of them.

A worker whose descriptors are used up can neither accept a connection nor reach Postgres or a model. So clients get a
share, streams (which stay) a part of that, and the rest is kept for the worker's own connections.
"""

import contextlib
import functools
import os
import resource
from dataclasses import dataclass

from django.conf import settings

# Nobody needs more in one process, and some systems' hard limit is a thousand times that.
RAISED_TO = 65_536
# Of the descriptors that are not the worker's own: connections to models, tools and documents.
OUTBOUND_PART = 0.25
# Of the clients' share.
STREAMS_PART = 0.75
# The bus, the threads of run_orm, the children that read documents, files that are open for a moment.
SPARE = 32


@dataclass(frozen=True, slots=True)
class Budget:
    """What one worker hands out.

    Attributes:
        limit: descriptors that the operating system allows.
        connections: of clients, at a time.
        streams: of these, event streams.
        outbound: connections to one provider of models.
    """

    limit: int
    connections: int
    streams: int
    outbound: int


def raise_limit() -> None:
    """Raise the soft limit to the hard one, within reason; child processes inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = RAISED_TO if hard == resource.RLIM_INFINITY else min(hard, RAISED_TO)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # not everywhere is the hard limit what it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@functools.cache
def budget() -> Budget:
    """Return the process's budget; the first call, at start, sees what is open by then."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = RAISED_TO if soft == resource.RLIM_INFINITY else soft
    own = settings.DATABASE_POOL_SIZE + 2 * settings.ADMIN_THREADS + SPARE  # the admin's uploads are files, too
    left = max(0, limit - _open_now() - own)
    outbound = max(1, int(left * OUTBOUND_PART))
    connections = max(1, left - outbound)
    return Budget(limit, connections, max(1, int(connections * STREAMS_PART)), outbound)


def _open_now() -> int:
    """Return the number of the next descriptor: the system gives the lowest that is free."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor
