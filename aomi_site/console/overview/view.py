"""The console's first page: the overview or, before the first call, how to get started."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from aomi_site.console.overview.attention import items_for
from aomi_site.console.overview.today import read_today, tiles
from aomi_site.console.overview.workers import read_workers
from keys.models import Usage
from sessions_app.models import ChatSession, Turn

RUNNING_SHOWN = 10


def index_view(request: HttpRequest) -> HttpResponse:
    """Show the overview, or the first steps if no turn has been counted yet or `?start` asks for them."""
    context = {**admin.site.each_context(request), "title": "Overview"}
    if "start" in request.GET or not Usage.objects.exists():
        return TemplateResponse(request, "admin/index.html", {**context, "title": "Getting started"})
    return TemplateResponse(request, "admin/console/overview.html", {**context, **_overview(request.user)})


def _overview(user: Any) -> dict[str, Any]:
    now, workers = timezone.now(), read_workers(timezone.now())
    sees_sessions, sees_usage = user.has_perm("sessions_app.view_chatsession"), user.has_perm("keys.view_usage")
    running = _running() if sees_sessions else []
    count = _count(len(running)) if sees_sessions else None
    sees_turns = user.has_perm("sessions_app.view_turn")
    return {
        "now": now,
        "tiles": list(tiles(read_today(now), running=count, may_see_turns=sees_turns, may_see_usage=sees_usage)),
        "items": items_for(user, workers, now),
        "sees_sessions": sees_sessions,
        "running": running,
        "more_running": (count or 0) - len(running),
        "workers": workers,
    }


def _running() -> list[tuple[ChatSession, Turn | None]]:
    """Return the sessions with a running turn, and the turns; the longest-running first."""
    sessions = list(_processing().select_related("app").order_by("lease_expires_at")[:RUNNING_SHOWN])
    turns = Turn.objects.in_bulk([session.running_turn for session in sessions if session.running_turn])
    rows = [(session, turns.get(session.running_turn)) for session in sessions]
    return sorted(rows, key=lambda row: row[1].started_at if row[1] else timezone.now())


def _count(shown: int) -> int:
    return _processing().count() if shown == RUNNING_SHOWN else shown


def _processing() -> Any:
    return ChatSession.objects.filter(status=ChatSession.Status.PROCESSING)
