"""The console's first page: the overview or, before the first call, how to get started."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from aomi_site.console.overview.attention import items_for
from aomi_site.console.overview.running import read_running
from aomi_site.console.overview.today import read_today, tiles
from aomi_site.console.overview.workers import read_workers
from keys.models import Usage


def index_view(request: HttpRequest) -> HttpResponse:
    """Show the overview, or the first steps if no turn has been counted yet or `?start` asks for them.

    `?live` answers with only the parts that change, without the frame; the page asks for them every few seconds.
    """
    if "live" in request.GET:
        return TemplateResponse(request, "admin/console/overview_live.html", _overview(request.user))
    context = {**admin.site.each_context(request), "title": "Overview"}
    if "start" in request.GET or not Usage.objects.exists():
        return TemplateResponse(request, "admin/index.html", {**context, "title": "Getting started"})
    return TemplateResponse(request, "admin/console/overview.html", {**context, **_overview(request.user)})


def _overview(user: Any) -> dict[str, Any]:
    now, workers = timezone.now(), read_workers(timezone.now())
    sees_sessions, sees_usage = user.has_perm("sessions_app.view_chatsession"), user.has_perm("keys.view_usage")
    running, count = read_running() if sees_sessions else ([], None)
    sees_turns = user.has_perm("sessions_app.view_turn")
    # Without the permission, the tiles show no usage, so it is not read.
    today = read_today(now) if sees_usage else None
    return {
        "now": now,
        "tiles": list(tiles(today, running=count, may_see_turns=sees_turns)),
        "items": items_for(user, workers, now),
        "sees_sessions": sees_sessions,
        "running": running,
        "more_running": (count or 0) - len(running),
        "workers": workers,
    }
