"""Decides which websites' scripts may call the API: those of the deployment's origins and of Apps' origins."""

from typing import Any

from cachetools import TTLCache
from corsheaders.signals import check_request_enabled
from django.http import HttpRequest
from psycopg import Error

from apps_registry.support import database
from chat.api.base import APP_OF_CALL

# The delay until an operator's change of an App's origins takes effect.
CACHE_SECONDS = 5
CACHE_ENTRIES = 10_000
ORIGIN_MAX_CHARS = 300

READ_ORIGIN = """
SELECT EXISTS (
    SELECT 1 FROM apps_registry_app
    WHERE is_active AND %s = ANY (string_to_array(replace(allowed_origins, E'\\r', ''), E'\\n')))
"""

_allowed_origins: TTLCache[str, bool] = TTLCache(CACHE_ENTRIES, ttl=CACHE_SECONDS)


async def note_origin(request: HttpRequest) -> None:
    """Look up whether an App allows the request's origin, before the CORS middleware needs to know.

    A preflight names neither session nor key, so its App is unknown: an origin of any App is accepted.
    Only origins of the right App may read the response to the actual call.
    """
    origin = request.headers.get("Origin")
    if origin and len(origin) <= ORIGIN_MAX_CHARS:
        request.META["aomi.app_allows_origin"] = await _is_named(origin)


async def _is_named(origin: str) -> bool:
    if origin not in _allowed_origins:
        try:
            rows = await database.read(READ_ORIGIN, [origin])
        except Error:  # a NUL in the origin, or no database: the request itself will report that
            return False
        _allowed_origins[origin] = bool(rows[0][0])
    return _allowed_origins[origin]


def _answer(sender: Any, request: HttpRequest, **_: Any) -> bool:
    """Decide whether an App allows this origin, before the call and again for its response."""
    if app := request.META.get(APP_OF_CALL):
        return request.headers.get("Origin") in app.allowed_origins
    return bool(request.META.get("aomi.app_allows_origin"))


check_request_enabled.connect(_answer, dispatch_uid="aomi-app-origins")
