"""Ends streams and waits whose caller may no longer read what they opened.

A request decides once whether its caller may read a session. What stays open asks again: the key may be revoked, may
expire or may lose the App; the App may be switched off or need a key now; the session may be deleted, or may have come
to belong to an App.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from rest_framework.exceptions import AuthenticationFailed

from apps_registry.runtime.app_configs import app_configs
from apps_registry.support.error_location import location
from apps_registry.support.forever import forever
from chat.access import NoSuchSession, refusal_to_chat, refusal_to_read
from keys.authentication import NO_VALID_KEY, Overloaded
from keys.callers import Caller
from keys.verification import callers_now
from sessions_app.store import store

logger = logging.getLogger("aomi.api")

# What is younger than this is not asked about, so that an answer that comes soon costs no statement. Access that has
# gone is thus noticed within twice this time.
CHECK_SECONDS = 0.75
# Nobody can revoke a key while Postgres is away, but a worker that alone cannot reach it must not read on for long.
UNCHECKED_MAX_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class Opened:
    """A stream, or an answer that is still awaited.

    Attributes:
        caller: who opened it, as of the last check.
        session_id: the session that it shows.
        to_chat: it answers a chat call, which needs more than reading.
        is_known: the session has been there; one that is then missing was deleted.
        on_refusal: called once, when the caller may not read on.
        refusal: what the request would now be answered with.
        checked_at: when access was last decided; `time.monotonic()`.
    """

    caller: Caller
    session_id: UUID
    to_chat: bool = False
    is_known: bool = True
    on_refusal: Callable[[], object] = lambda: None
    refusal: Exception | None = None
    opened_at: float = field(default_factory=time.monotonic)
    checked_at: float = field(default_factory=time.monotonic)

    def refuse(self, why: Exception) -> None:
        """End it."""
        self.refusal = why
        self.on_refusal()


class AccessGuard:
    """Decides again, for everything that this worker holds open, in one read of keys and one of sessions."""

    def __init__(self) -> None:
        self._opened: set[Opened] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, opened: Opened) -> Iterator[Opened]:
        """Call `on_refusal` of what is open in here once its caller may not read it."""
        self._opened.add(opened)
        if self._task is None or self._task.done():
            asking = forever("access-guard", self._round, every=CHECK_SECONDS, goes_on=lambda: bool(self._opened))
            self._task = asyncio.create_task(asking, name="access-guard")
        try:
            yield opened
        finally:
            self._opened.discard(opened)

    @asynccontextmanager
    async def breaking_off(self, opened: Opened) -> AsyncIterator[None]:
        """Break off what is awaited in here once its caller may not read the answer.

        Raises:
            Exception: what the request would now be answered with.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit:
                opened.on_refusal = lambda: limit.reschedule(loop.time())
                with self.watching(opened):
                    yield
        except TimeoutError:
            if opened.refusal is None:
                raise
        if opened.refusal is not None:
            raise opened.refusal

    async def _round(self) -> None:
        due = [each for each in self._opened if time.monotonic() - each.opened_at >= CHECK_SECONDS]
        try:
            if due:
                await self._ask(due)
        finally:
            self._end_unchecked()

    async def _ask(self, due: Collection[Opened]) -> None:
        began = time.monotonic()
        callers = await callers_now({each.caller.key_id for each in due})
        apps = await store.apps_of({each.session_id for each in due})
        for each in due:
            try:
                why = await _refusal(each, callers.get(each.caller.key_id), apps)
            except Exception as error:  # an App that cannot be read: the others' streams do not wait for it
                logger.warning("access of an open stream not checked: %s", location(error))
                continue
            each.checked_at = began
            if why is not None:
                self._refuse(each, why)

    def _end_unchecked(self) -> None:
        """End what could not be decided for too long."""
        for each in [*self._opened]:
            if time.monotonic() - each.checked_at > UNCHECKED_MAX_SECONDS:
                self._refuse(each, Overloaded())

    def _refuse(self, opened: Opened, why: Exception) -> None:
        if opened in self._opened:  # it may have ended while others were asked about
            self._opened.discard(opened)
            opened.refuse(why)


async def _refusal(opened: Opened, caller: Caller | None, apps: dict[UUID, int | None]) -> Exception | None:
    """Return what the request that opened it would be answered with now; None when it would be answered."""
    if caller is None:
        return AuthenticationFailed(NO_VALID_KEY)
    opened.caller = caller
    if opened.session_id not in apps:
        return NoSuchSession() if opened.is_known else None
    opened.is_known = True
    app_id = apps[opened.session_id]
    app = None if app_id is None else await app_configs.by_id(app_id, revision=caller.revision)
    if opened.to_chat:
        return refusal_to_chat(caller, app)
    return refusal_to_read(caller, app_id, app)


guard = AccessGuard()
