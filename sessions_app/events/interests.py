"""Which sessions other workers have readers for: what nobody reads is not sent.

A worker says so when its first reader of a session comes, and repeats it for as long as there is one; what is
not repeated is forgotten, be it that the readers have gone or the worker has died.
"""

import time
import uuid
from collections.abc import Iterable

REPEAT_SECONDS = 20.0
EXPIRE_SECONDS = 60.0


class RemoteInterests:
    """What other workers want to hear of."""

    def __init__(self) -> None:
        self._until: dict[uuid.UUID, dict[str, float]] = {}

    def wants(self, session_id: uuid.UUID) -> bool:
        """Whether any other worker has readers of this session."""
        workers = self._until.get(session_id)
        if not workers:
            return False
        now = time.monotonic()
        if all(until < now for until in workers.values()):
            del self._until[session_id]
            return False
        return True

    def add(self, worker: str, session_ids: Iterable[uuid.UUID]) -> None:
        """Note what a worker says that it wants."""
        until = time.monotonic() + EXPIRE_SECONDS
        for session_id in session_ids:
            self._until.setdefault(session_id, {})[worker] = until

    def remove(self, worker: str, session_id: uuid.UUID) -> None:
        """Note that a worker no longer wants it."""
        workers = self._until.get(session_id, {})
        workers.pop(worker, None)
        if not workers:
            self._until.pop(session_id, None)

    def clear(self) -> None:
        """Forget everything: something may have been missed, and is told again."""
        self._until.clear()

    def expire(self) -> None:
        """Forget what has not been repeated."""
        for session_id in list(self._until):
            self.wants(session_id)
