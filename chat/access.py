"""Whether a caller may read a session or chat in it: one rule for all who ask, and for what they leave open.

A refusal is an exception of this module, or SessionOfAnotherApp; what a client is told of it is said where its protocol
is spoken (chat/api/errors.py).
"""

from uuid import UUID

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from keys.callers import Caller
from sessions_app.access import needs_key
from sessions_app.store import store
from sessions_app.turns import SessionOfAnotherApp
from sessions_app.values import Session


class KeyNeeded(Exception):
    """The App needs a key, and the caller has none."""


class AppNotAuthorized(Exception):
    """The caller's key does not open the App. An App that does not exist is refused alike: nobody learns which do."""


class NoSuchSession(Exception):
    """There is no session of this id."""


def may_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> bool:
    """Whether a caller may read a session of an App.

    Args:
        caller: who asks.
        app_id: the App that the session belongs to; None while it is open.
        app: that App; None when the session is open or the App inactive.
    """
    return not needs_key(app_id, app) or caller.may_use(app)


def refusal_to_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> Exception | None:
    """Return why a caller may not read a session; None when the caller may. Arguments as for `may_read`."""
    if may_read(caller, app_id, app):
        return None
    return KeyNeeded() if caller.key_id is None else SessionOfAnotherApp()


def refusal_to_chat(caller: Caller, app: AppConfig | None) -> Exception | None:
    """Return why a caller may not chat with an App; None when the caller may."""
    if caller.may_use(app):
        return None
    return KeyNeeded() if caller.key_id is None else AppNotAuthorized()


def check_chat(caller: Caller, app: AppConfig | None) -> AppConfig:
    """Return the App with which the caller may chat.

    Raises:
        KeyNeeded, AppNotAuthorized: the caller may not, or there is no such App.
    """
    if why := refusal_to_chat(caller, app):
        raise why
    assert app is not None  # noqa: S101 - which is refused
    return app


async def app_named(caller: Caller, slug: str | None) -> AppConfig | None:
    """Return the active App of this slug, or the default App for None; None where there is none."""
    if slug is None:
        return await app_configs.default(revision=caller.revision)
    return await app_configs.by_slug(slug, revision=caller.revision)


async def app_of(caller: Caller, session: Session) -> AppConfig | None:
    """Return the App of a session that the caller may read; None while it is open.

    Raises:
        KeyNeeded: the App needs a key.
        SessionOfAnotherApp: the key does not open the App.
    """
    if session.app_id is None:
        return None
    app = await app_configs.by_id(session.app_id, revision=caller.revision)
    if why := refusal_to_read(caller, session.app_id, app):
        raise why
    return app


async def known_session(caller: Caller, session_id: UUID) -> tuple[Session, AppConfig | None]:
    """Return a session that the caller may read, and its App; None while that is open.

    Raises:
        NoSuchSession: there is none.
        KeyNeeded, SessionOfAnotherApp: as for `app_of`.
    """
    session = await store.load(session_id)
    if session is None:
        raise NoSuchSession
    return session, await app_of(caller, session)
