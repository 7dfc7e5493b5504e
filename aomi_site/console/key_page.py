"""What higher layers add to a key's page: its usage, its failed turns, and what revoking it would stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.http import HttpRequest

from aomi_site.console.usage_panel import usage_panel
from apps_registry.admin.additions import add_to
from keys.models import AppKey
from keys.usage.daily import daily
from sessions_app.models import Turn

ERRORS_SHOWN = 5
# The newest turns show well enough who would be cut off, and a limit bounds the work for keys with millions of turns.
TURNS_READ = 20_000

IN_USE = """
WITH recent AS (
    SELECT session_id, status, started_at FROM sessions_app_turn
    WHERE app_key_id = ANY(%(keys)s) AND started_at >= now() - interval '2 days'
    ORDER BY started_at DESC LIMIT %(read)s
)
SELECT
    count(DISTINCT COALESCE(NULLIF(session.wallet_address, ''), session.id::text)) FILTER (
        WHERE recent.started_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    ),
    count(*) FILTER (WHERE recent.status = 'running')
FROM recent JOIN sessions_app_chatsession session ON session.id = recent.session_id
"""


@dataclass(frozen=True, slots=True)
class InUse:
    """Who uses keys now.

    Attributes:
        callers: wallets, and conversations without a wallet, that have used them today (UTC).
        running: turns that run now.
    """

    callers: int
    running: int


def in_use(app_keys: Sequence[AppKey]) -> InUse:
    """Return who uses keys now."""
    with connection.cursor() as cursor:
        cursor.execute(IN_USE, {"keys": [app_key.pk for app_key in app_keys], "read": TURNS_READ})
        return InUse(*cursor.fetchone())


def key(request: HttpRequest, app_key: AppKey) -> dict[str, Any]:
    """Return the usage of a key by day, and its last failed turns if the operator may see turns."""
    turns_of, usage_of = {"app_key_id": str(app_key.pk)}, urlencode({"key": app_key.pk, "by": "app"})
    context: dict[str, Any] = {
        "usage": usage_panel(daily(key_id=app_key.pk), request.user, turns_of, usage_of=usage_of, in_full=False)
    }
    if request.user.has_perm("sessions_app.view_turn"):
        failed = Turn.objects.filter(app_key_id=app_key.pk).exclude(error_code="").select_related("app")
        context["failed_turns"] = failed.only(
            "started_at", "error_code", "error_detail", "model", "app__slug"
        ).order_by("-started_at")[:ERRORS_SHOWN]
    return context


def revoking(_request: HttpRequest, app_keys: Sequence[AppKey]) -> dict[str, Any]:
    """Return who uses the keys that are to be revoked or rotated."""
    return {"in_use": in_use(app_keys)}


add_to("key", key)
add_to("revoke keys", revoking)
