"""The playground's page: a choice of an App's states and models, and conversations with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from aomi_site.console.playground.access import may_read_turns, may_try
from apps_registry.models import App
from apps_registry.support.http.paths import API_PREFIX
from apps_registry.values import OPERATORS_CHANNEL
from sessions_app.models import Message, Turn

RELEASES_OFFERED = 50


@dataclass(frozen=True, slots=True)
class RepeatedTurn:
    """A turn to try again.

    Attributes:
        message: what its user wrote.
        wallet: the wallet of its session; empty without one.
        channel: the state of the App that its session talks with.
        has_earlier: whether its session has messages before it.
    """

    turn: Turn
    message: str
    wallet: str
    channel: str
    has_earlier: bool


def playground_view(request: HttpRequest, app_id: int) -> HttpResponse:
    """Show the playground of an App; `?turn=` fills in a turn to try again. aomi_site/urls.py requires the login."""
    if not may_try(request.user):
        raise PermissionDenied
    app = get_object_or_404(App.objects.select_related("default_model", "live_release"), pk=app_id)
    again = _repeated_turn(request, app)
    states = list(_states(app))
    models = [app.default_model.name, *_alternatives(app)]
    context = {
        **admin.site.each_context(request),
        "title": f"Playground of {app.slug}",
        "opts": App._meta,
        "original": app,
        "sees_app": request.user.has_perm("apps_registry.view_app")
        or request.user.has_perm("apps_registry.change_app"),
        "again": again,
        "states": states,
        "columns": [_column(app, again, number=1), _column(app, None, number=2)],
        "models": models,
        "takes_tools": app.callers_may_bring_tools,
        "stream_url": reverse("playground_stream", args=[app.pk]),
        "call": {
            "base_url": request.build_absolute_uri("/").rstrip("/") + API_PREFIX,
            "app": "" if app.is_default else app.slug,
            "key_header": "" if app.is_default else settings.APP_KEY_HEADERS[0],
            "default_model": app.default_model.name,
        },
    }
    return TemplateResponse(request, "admin/console/playground.html", context, headers={"Cache-Control": "no-store"})


def _alternatives(app: App) -> list[str]:
    rows = app.appmodel_set.exclude(model_id=app.default_model_id).select_related("model")
    return [row.model.name for row in rows]


def _states(app: App) -> Iterator[tuple[str, str]]:
    """Yield the states of an App that can be tried, each with its label."""
    live = app.live_release
    yield "draft", "Draft" if live else "Draft, which is live"
    if live is not None:
        yield "live", f"Live: release {live.number}"
    for release in app.releases.order_by("-number")[:RELEASES_OFFERED]:
        yield f"release:{release.pk}", f"Release {release.number}"


def _column(app: App, again: RepeatedTurn | None, *, number: int) -> dict[str, Any]:
    """Return the first choices of a column: the second column is for comparing the draft with what is live."""
    channel = again.channel if again else "draft" if number == 1 else "live"
    return {"number": number, "channel": channel, "model": again.turn.model if again else app.default_model.name}


def _repeated_turn(request: HttpRequest, app: App) -> RepeatedTurn | None:
    """Return the turn that the URL names, if the operator may read it."""
    turn_id = request.GET.get("turn", "")
    if not turn_id or not may_read_turns(request.user):
        return None
    messages = Message.objects.filter(role=Message.Role.USER, turn__app=app).select_related("turn", "session")
    try:
        first_message = messages.filter(turn=UUID(turn_id)).order_by("position").first()
    except ValueError:
        return None
    if first_message is None or first_message.turn is None:
        return None
    turn, session = first_message.turn, first_message.session
    channel = session.channel.removeprefix(OPERATORS_CHANNEL) or "live"
    if channel == "live" and session.release_id and app.sessions_keep_release:
        channel = f"release:{session.release_id}"
    if channel == "live" and app.live_release_id is None:
        channel = "draft"
    return RepeatedTurn(turn, first_message.content, session.wallet_address or "", channel, first_message.position > 0)
