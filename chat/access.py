"""Whether a caller may read a session or chat in it: one rule for single requests and for open streams.

A refusal is an exception of this module, or SessionOfAnotherApp. The module of each protocol turns it into an error for
the client (for HTTP, chat/api/errors.py).
"""

from uuid import UUID

from apps_registry.runtime.app_configs import app_configs
from apps_registry.support.http.request_notes import note_app
from apps_registry.support.http.request_sources import SourceNotAllowed
from apps_registry.values import AppConfig
from keys.callers import Caller
from keys.last_use import key_uses
from sessions_app.access import needs_key
from sessions_app.store import store
from sessions_app.turns.values import SessionOfAnotherApp, SessionOfAnotherWallet
from sessions_app.values import Session, Wallet


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


class SessionNotOfToken(Exception):
    """The caller's browser token is for another session."""

    rule = "session_of_token"


class AppKeyNeeded(Exception):
    """The call needs the App key itself; a browser token is not enough."""

    rule = "token_is_no_key"


def refusal_to_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> Exception | None:
    """Return why a caller may not read a session of an App, or None if it may.

    A browser token opens the sessions of its own App only, also where others need no key.

    Args:
        caller: the caller.
        app_id: the App that the session belongs to; None while it has none.
        app: that App; None when the session has no App or the App is inactive.
    """
    if app_id is None:
        return None
    if not caller.may_use(app) and (caller.token is not None or needs_key(app_id, app)):
        return KeyNeeded(app) if caller.key_id is None else SessionOfAnotherApp(app.slug if app else None)
    return _refusal_of_source(caller, app)


def refusal_to_chat(caller: Caller, app: AppConfig | None) -> Exception | None:
    """Return why a caller may not chat with an App, or None if it may."""
    if caller.may_use(app):
        return _refusal_of_source(caller, app)
    return KeyNeeded() if caller.key_id is None else AppNotAuthorized(app)


def _refusal_of_source(caller: Caller, app: AppConfig | None) -> Exception | None:
    """Return why the App refuses the caller's source, or None; checked last, so that strangers do not learn limits."""
    if app is None or caller.source is None:
        return None
    try:
        app.source_limits.check_network(caller.source, rule="network_of_app")
        app.source_limits.check_origin(caller.source, rule="origin_of_app")
    except SourceNotAllowed as refusal:
        return refusal
    return None


def refusal_of_token(caller: Caller, session_id: UUID, wallet_address: str | None) -> Exception | None:
    """Return why a caller's browser token does not open a session, or None if it does or there is no token.

    Args:
        caller: the caller.
        session_id: the session, which need not exist.
        wallet_address: the wallet that the session is bound to, in canonical form; None: none yet.
    """
    if not caller.may_open(session_id):
        return SessionNotOfToken()
    if wallet_address is not None and wallet_address != (only_wallet(caller) or wallet_address):
        return SessionOfAnotherWallet()
    return None


def check_token(caller: Caller, session_id: UUID, session: Session | None) -> None:
    """Check that the caller's browser token, if it has one, opens a session, which need not exist.

    Raises:
        SessionNotOfToken, SessionOfAnotherWallet: it does not.
    """
    wallet = session.wallet if session else None
    if refusal := refusal_of_token(caller, session_id, wallet.address if wallet else None):
        raise refusal


def check_key_itself(caller: Caller) -> int:
    """Return the id of the caller's App key, for calls that a browser token may not make.

    Raises:
        KeyNeeded: the caller has no key.
        AppKeyNeeded: it has only a browser token.
    """
    if caller.key_id is None:
        raise KeyNeeded
    if caller.token is not None:
        raise AppKeyNeeded
    return caller.key_id


def only_wallet(caller: Caller) -> str | None:
    """Return the wallet that the caller's browser token is bound to, if any."""
    return caller.token.wallet if caller.token else None


def wallet_to_bind(caller: Caller, named: Wallet | None, app: AppConfig | None) -> Wallet | None:
    """Return the wallet to bind to a session: the one of the caller's browser token, else the one that the call names.

    Args:
        caller: the caller.
        named: the wallet that the call names, if any.
        app: the App that the session belongs or will belong to; it decides whether the token's wallet is proven.

    Raises:
        SessionOfAnotherWallet: the call names another wallet than the token.
    """
    address = only_wallet(caller)
    if address is None:
        return named
    if named is not None and named.address != address:
        raise SessionOfAnotherWallet
    is_proven = app is not None and app.trusts_backend_wallets
    return Wallet(address, named.chain_id if named else None, is_proven=is_proven)


def check_chat(caller: Caller, app: AppConfig | None) -> AppConfig:
    """Return the App, if the caller may chat with it.

    Raises:
        KeyNeeded, AppNotAuthorized: the caller may not, or there is no such App.
        OriginNotAllowed, NetworkNotAllowed: the App refuses calls from where the caller is.
    """
    if refusal := refusal_to_chat(caller, app):
        raise refusal
    assert app is not None  # noqa: S101 - None was refused above
    key_uses.note_app(caller.key_id, app.id)
    return app


async def app_named(caller: Caller, slug: str | None) -> AppConfig | None:
    """Return the active App with this slug; without one, that of the browser token, else the default App.

    None: there is no such App.
    """
    note_app(slug)
    if slug is None and caller.token is not None:
        return await app_of_token(caller)
    if slug is None:
        return await app_configs.default(revision=caller.revision)
    return await app_configs.by_slug(slug, revision=caller.revision)


async def apps_to_list(caller: Caller) -> list[AppConfig]:
    """Return the Apps that a caller may use: the default App and those of its key, or that of its browser token.

    Apps that refuse calls from where the caller is are left out.
    """
    apps = [await app_named(caller, None)]
    apps += [await app_configs.by_id(app_id, revision=caller.revision) for app_id in sorted(caller.app_ids)]
    return list({app.id: app for app in apps if app is not None and refusal_to_chat(caller, app) is None}.values())


async def app_of_token(caller: Caller) -> AppConfig | None:
    """Return the App of the caller's browser token; None if the caller has none, or the App is inactive."""
    return await app_configs.by_id(caller.token.app_id, revision=caller.revision) if caller.token else None


async def app_of(caller: Caller, session: Session) -> AppConfig | None:
    """Return the App of a session that the caller may read; None if the session has none yet.

    Raises:
        NoSuchSession: an operator's session, and the caller is none; or the other way round.
        KeyNeeded: the App needs a key.
        SessionOfAnotherApp: the key does not open the App.
        SessionNotOfToken, SessionOfAnotherWallet: the browser token does not open the session.
        OriginNotAllowed, NetworkNotAllowed: the App refuses calls from where the caller is.
    """
    if session.is_operators is not caller.is_operator:
        raise NoSuchSession
    app = None
    if session.app_id is not None:
        app = await app_configs.by_id(session.app_id, revision=caller.revision)
    if refusal := refusal_to_read(caller, session.app_id, app):
        raise refusal
    check_token(caller, session.id, session)
    if session.app_id is not None:
        key_uses.note_app(caller.key_id, session.app_id)
    return app


async def known_session(caller: Caller, session_id: UUID) -> tuple[Session, AppConfig | None]:
    """Return a session that the caller may read, and its App; None instead of an App if it has none yet.

    Raises:
        NoSuchSession: there is no such session, or it is an operator's.
        KeyNeeded, SessionOfAnotherApp: as for `app_of`.
    """
    session = await store.load(session_id)
    if session is None:
        raise NoSuchSession
    return session, await app_of(caller, session)
