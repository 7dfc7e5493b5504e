"""Whether a caller may read a session or chat in it: one rule for single requests and for open streams.

A refusal is an exception of this module, or SessionOfAnotherApp. The module of each protocol turns it into an error for
the client (for HTTP, chat/api/errors.py).
"""

from uuid import UUID

from apps_registry.runtime.app_configs import app_configs
from apps_registry.support.request_notes import note_app
from apps_registry.values import AppConfig
from keys.callers import Caller
from keys.last_use import key_uses
from sessions_app.access import needs_key
from sessions_app.store import store
from sessions_app.turns import SessionOfAnotherApp
from sessions_app.values import Session


class KeyNeeded(Exception):
    """The App needs a key, and the caller has none.

    Attributes:
        facts: for operators: the session's App, if the caller asked for a session.
    """

    rule = "key_missing"

    def __init__(self, session_app: AppConfig | None = None) -> None:
        super().__init__()
        self.facts = {"session_app": session_app.slug} if session_app else {}


class AppNotAuthorized(Exception):
    """The key does not open the App, or the App does not exist; one error for both, so that callers cannot probe.

    Attributes:
        rule: which of the two, for operators.
    """

    def __init__(self, app: AppConfig | None) -> None:
        super().__init__()
        self.rule = "app_unknown" if app is None else "app_not_in_scope"


class NoSuchSession(Exception):
    """There is no session with this id."""

    rule = "session_unknown"


def may_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> bool:
    """Return whether a caller may read a session of an App.

    Args:
        caller: the caller.
        app_id: the App that the session belongs to; None while it has none.
        app: that App; None when the session has no App or the App is inactive.
    """
    return not needs_key(app_id, app) or caller.may_use(app)


def refusal_to_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> Exception | None:
    """Return why a caller may not read a session, or None if it may; arguments as for `may_read`."""
    if may_read(caller, app_id, app):
        return None
    return KeyNeeded(app) if caller.key_id is None else SessionOfAnotherApp(app.slug if app else None)


def refusal_to_chat(caller: Caller, app: AppConfig | None) -> Exception | None:
    """Return why a caller may not chat with an App, or None if it may."""
    if caller.may_use(app):
        return None
    return KeyNeeded() if caller.key_id is None else AppNotAuthorized(app)


def check_chat(caller: Caller, app: AppConfig | None) -> AppConfig:
    """Return the App, if the caller may chat with it.

    Raises:
        KeyNeeded, AppNotAuthorized: the caller may not, or there is no such App.
    """
    if refusal := refusal_to_chat(caller, app):
        raise refusal
    assert app is not None  # noqa: S101 - None was refused above
    key_uses.note_app(caller.key_id, app.id)
    return app


async def app_named(caller: Caller, slug: str | None) -> AppConfig | None:
    """Return the active App with this slug, or the default App if `slug` is None; None if there is none."""
    note_app(slug)
    if slug is None:
        return await app_configs.default(revision=caller.revision)
    return await app_configs.by_slug(slug, revision=caller.revision)


async def app_of(caller: Caller, session: Session) -> AppConfig | None:
    """Return the App of a session that the caller may read; None if the session has none yet.

    Raises:
        KeyNeeded: the App needs a key.
        SessionOfAnotherApp: the key does not open the App.
    """
    if session.app_id is None:
        return None
    app = await app_configs.by_id(session.app_id, revision=caller.revision)
    if refusal := refusal_to_read(caller, session.app_id, app):
        raise refusal
    key_uses.note_app(caller.key_id, session.app_id)
    return app


async def known_session(caller: Caller, session_id: UUID) -> tuple[Session, AppConfig | None]:
    """Return a session that the caller may read, and its App; None instead of an App if it has none yet.

    Raises:
        NoSuchSession: there is no such session.
        KeyNeeded, SessionOfAnotherApp: as for `app_of`.
    """
    session = await store.load(session_id)
    if session is None:
        raise NoSuchSession
    return session, await app_of(caller, session)
