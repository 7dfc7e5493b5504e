"""Ends streams and waits whose caller has lost access to the session.

A request checks access once, when it starts. For streams and long waits this module checks again and again: the key may
be revoked, expire or lose the App, and its browser tokens with it; the App may be switched off or start to need a key;
either may be limited to other origins or networks; the session may be deleted or bound to an App or another wallet.
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
from apps_registry.support.http.request_sources import SourceNotAllowed
from chat.access import NoSuchSession, refusal_of_token, refusal_to_chat, refusal_to_read
from keys.callers import Caller
from keys.http.authentication import NO_VALID_KEY, Overloaded
from keys.reading import callers_now
from sessions_app.store import store
from sessions_app.values import Owner

logger = logging.getLogger("aomi.api")

# Streams and waits younger than this are not checked, so that a quick response costs no statement. Lost access is
# noticed within twice this time.
CHECK_SECONDS = 0.75
# While Postgres is down, no key can be revoked. But a single worker may be cut off from Postgres, and must not continue
# for long.
UNCHECKED_MAX_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class Opened:
    """A stream, or a response that is still being waited for.

    Attributes:
        caller: the caller, as of the last check.
        session_id: the session that it shows.
        to_chat: whether it belongs to a chat call, which needs more than read access.
        is_known: whether the session has existed; if it is missing later, it was deleted.
        on_refusal: called once, when the caller has lost access.
        refusal: the error that the request would get now.
        checked_at: the time of the last check; `time.monotonic()`.
    """

    caller: Caller
    session_id: UUID
    to_chat: bool = False
    is_known: bool = True
    on_refusal: Callable[[], object] = lambda: None
    refusal: Exception | None = None
    opened_at: float = field(default_factory=time.monotonic)
    checked_at: float = field(default_factory=time.monotonic)

    def refuse(self, refusal: Exception) -> None:
        """Record why access was lost, and call `on_refusal`."""
        self.refusal = refusal
        self.on_refusal()


class AccessGuard:
    """Checks access for everything that is open on this worker, with one read of keys and one of sessions."""

    def __init__(self) -> None:
        self._opened: set[Opened] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, opened: Opened) -> Iterator[Opened]:
        """Call `opened.on_refusal` if the caller loses access within this context."""
        self._opened.add(opened)
        if self._task is None or self._task.done():
            checking = forever("access-guard", self._check_due, every=CHECK_SECONDS, goes_on=lambda: bool(self._opened))
            self._task = asyncio.create_task(checking, name="access-guard")
        try:
            yield opened
        finally:
            self._opened.discard(opened)

    @asynccontextmanager
    async def cancelling(self, opened: Opened) -> AsyncIterator[None]:
        """Cancel this context if the caller loses access.

        Raises:
            Exception: the error that the request would get now.
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

    async def _check_due(self) -> None:
        due = [opened for opened in self._opened if time.monotonic() - opened.opened_at >= CHECK_SECONDS]
        try:
            if due:
                await self._check(due)
        finally:
            self._end_unchecked()

    async def _check(self, due: Collection[Opened]) -> None:
        started = time.monotonic()
        callers = await callers_now({opened.caller for opened in due})
        owners = await store.owners({opened.session_id for opened in due})
        for opened in due:
            try:
                refusal = await _refusal(opened, callers.get(opened.caller), owners)
            except Exception as error:  # one App that cannot be read must not prevent the other checks
                logger.warning("access of an open stream not checked: %s", location(error))
                continue
            opened.checked_at = started
            if refusal is not None:
                self._refuse(opened, refusal)

    def _end_unchecked(self) -> None:
        """End everything that could not be checked for too long."""
        for opened in [*self._opened]:
            if time.monotonic() - opened.checked_at > UNCHECKED_MAX_SECONDS:
                self._refuse(opened, Overloaded())

    def _refuse(self, opened: Opened, refusal: Exception) -> None:
        if opened in self._opened:  # it may have ended during the check
            self._opened.discard(opened)
            opened.refuse(refusal)


async def _refusal(opened: Opened, caller: Caller | None, owners: dict[UUID, Owner]) -> Exception | None:
    """Return the error that the same request would get now, or None if it would succeed."""
    if caller is None:
        return AuthenticationFailed(NO_VALID_KEY)
    opened.caller = caller
    try:
        caller.check_source()
    except SourceNotAllowed as refusal:
        return refusal
    owner = owners.get(opened.session_id)
    if owner is not None and owner.is_operators is not caller.is_operator:
        return NoSuchSession()
    if owner is None:
        return NoSuchSession() if opened.is_known else None
    opened.is_known = True
    app = None if owner.app_id is None else await app_configs.by_id(owner.app_id, revision=caller.revision)
    refused = refusal_to_chat(caller, app) if opened.to_chat else refusal_to_read(caller, owner.app_id, app)
    return refused or refusal_of_token(caller, opened.session_id, owner.wallet_address)


guard = AccessGuard()
