"""Which sessions other workers have readers for; events without readers are not sent.

A worker announces its first reader of a session and repeats this while it has readers. An announcement that is not
repeated expires: the readers have left or the worker has died.
"""

import time
import uuid
from collections.abc import Iterable

REPEAT_SECONDS = 20.0
EXPIRE_SECONDS = 60.0


class RemoteInterests:
    """The sessions that other workers want events of."""

    def __init__(self) -> None:
        self._expiries: dict[uuid.UUID, dict[str, float]] = {}

    def wants(self, session_id: uuid.UUID) -> bool:
        """Whether any other worker has readers of this session."""
        workers = self._expiries.get(session_id)
        if not workers:
            return False
        current_time = time.monotonic()
        if all(expires_at < current_time for expires_at in workers.values()):
            del self._expiries[session_id]
            return False
        return True

    def add(self, worker: str, session_ids: Iterable[uuid.UUID]) -> None:
        """Record, or renew, a worker's interest in sessions."""
        expires_at = time.monotonic() + EXPIRE_SECONDS
        for session_id in session_ids:
            self._expiries.setdefault(session_id, {})[worker] = expires_at

    def remove(self, worker: str, session_id: uuid.UUID) -> None:
        """Remove a worker's interest in a session."""
        workers = self._expiries.get(session_id, {})
        workers.pop(worker, None)
        if not workers:
            self._expiries.pop(session_id, None)

    def clear(self) -> None:
        """Remove all interests after a gap; workers announce theirs again."""
        self._expiries.clear()

    def expire(self) -> None:
        """Remove interests that were not renewed."""
        for session_id in list(self._expiries):
            self.wants(session_id)
