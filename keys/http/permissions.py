"""Which App a caller may use, as a DRF permission over App configurations."""

from typing import Any, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps_registry.support.http.request_notes import note_refusal
from apps_registry.values import AppConfig
from keys.callers import Caller


class AppPermission(BasePermission):
    """Everyone may use the default App; any other App needs a key with it in scope.

    An unknown or inactive App (None) is refused like one out of scope, so that nothing reveals which Apps exist.
    DRF answers a refusal with 401 if no key was sent, and with 403 if one was.
    """

    message = "This App key does not open that App."
    code = "app_not_authorized"

    def has_object_permission(self, request: Request, view: Any, obj: AppConfig | None) -> bool:
        """Whether the caller may use the App."""
        caller = cast(Caller, request.auth)
        if caller.may_use(obj):
            return True
        note_refusal("app_unknown" if obj is None else "key_missing" if caller.key_id is None else "app_not_in_scope")
        return False
