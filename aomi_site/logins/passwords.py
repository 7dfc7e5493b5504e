"""Operators' passwords: Django's argon2, one hash at a time per worker.

A hash takes 100 MB and both cores for a quarter of a second, and anyone can trigger one by trying to log in.
"""

import threading

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordCheckBusy(Exception):
    """Too many logins are waiting for their hash in this worker."""


class _Turns:
    """Admits one thread at a time; a few may wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        # At most half of the admin's threads, so that the rest serve operators who have logged in.
        with self._places:
            if self._inside >= max(1, settings.ADMIN_THREADS // 2):
                raise PasswordCheckBusy
            self._inside += 1
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()
        with self._places:
            self._inside -= 1


_turns = _Turns()


class QueuedArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's hasher, limited to one hash at a time."""

    def encode(self, password: str, salt: str) -> str:
        """Return the hash to store.

        Raises:
            PasswordCheckBusy: too many threads are waiting.
        """
        with _turns:
            encoded: str = super().encode(password, salt)
            return encoded

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether the hash matches the password.

        Raises:
            PasswordCheckBusy: too many threads are waiting.
        """
        with _turns:
            return bool(super().verify(password, encoded))
