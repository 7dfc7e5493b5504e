"""The limit on open files and sockets of the process, and how it is divided.

A worker that has run out of descriptors can neither accept a connection nor reach Postgres or a model. So clients get
a share, streams (which stay open) get a part of that share, and the rest is reserved for the worker's own connections.
"""

import contextlib
import functools
import os
import resource
from dataclasses import dataclass

from django.conf import settings

# No process needs more, and the hard limit of some systems is a thousand times higher.
MAX_DESCRIPTORS = 65_536
# Share of the unreserved descriptors that is for connections to models, tools and documents.
OUTBOUND_SHARE = 0.25
# Share of the clients' connections that may be event streams.
STREAMS_SHARE = 0.75
# Reserved for the bus, the threads of run_orm, the child processes that read documents, and short-lived files.
RESERVED = 32


@dataclass(frozen=True, slots=True)
class Budget:
    """The descriptors that one worker may use.

    Attributes:
        limit: all descriptors that the operating system allows.
        connections: open client connections.
        streams: client connections that are event streams.
        outbound: connections to one model provider.
    """

    limit: int
    connections: int
    streams: int
    outbound: int


def raise_limit() -> None:
    """Raise the soft limit to the hard limit, up to MAX_DESCRIPTORS; child processes inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < target:
        with contextlib.suppress(ValueError, OSError):  # some systems refuse their own hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


@functools.cache
def budget() -> Budget:
    """Return the budget of the process; the first call, at start-up, subtracts what is open at that time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    own = (
        settings.DATABASE_POOL_SIZE + 2 * settings.ADMIN_THREADS + RESERVED
    )  # two for each thread: uploads in the admin are files
    left = max(0, limit - _open_now() - own)
    outbound = max(1, int(left * OUTBOUND_SHARE))
    connections = max(1, left - outbound)
    return Budget(limit, connections, max(1, int(connections * STREAMS_SHARE)), outbound)


def _open_now() -> int:
    """Return the number of the next descriptor: the system assigns the lowest free one."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor
