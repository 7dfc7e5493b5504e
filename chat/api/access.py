"""Whether a caller may read a session or chat in it: one rule for requests and for what they leave open."""

from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied

from apps_registry.values import AppConfig
from chat.api.errors import SessionNotAvailable
from keys.permissions import AppPermission, may_use
from keys.verification import Caller
from sessions_app.access import needs_key


def may_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> bool:
    """Whether a caller may read a session of an App.

    Args:
        caller: who asks.
        app_id: the App that the session belongs to; None while it is open.
        app: that App; None when the session is open or the App inactive.
    """
    return not needs_key(app_id, app) or may_use(caller, app)


def refusal_to_read(caller: Caller, app_id: int | None, app: AppConfig | None) -> APIException | None:
    """Return why a caller may not read a session; None when the caller may. Arguments as for `may_read`."""
    if may_read(caller, app_id, app):
        return None
    return NotAuthenticated() if caller.key_id is None else SessionNotAvailable()


def refusal_to_chat(caller: Caller, app: AppConfig | None) -> APIException | None:
    """Return why a caller may not chat with an App; None when the caller may."""
    if may_use(caller, app):
        return None
    if caller.key_id is None:
        return NotAuthenticated()
    return PermissionDenied(AppPermission.message, AppPermission.code)
