"""What stands beside the form on an App's page: how far it is, its tools, its releases, its keys."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest

from apps_registry.admin.release_pages import releases_panel
from apps_registry.models import App, Document, Tool

KEYS_SHOWN = 20
UNREAD = Q(state__in=[Document.State.QUEUED, Document.State.PROCESSING])


@dataclass(frozen=True, slots=True)
class Steps:
    """What an App has by now.

    Attributes:
        model: the name of the model that answers.
        calls_tools: that model calls tools.
        others: the alternatives that do not.
        tools: how many are on.
        documents: how many search can find.
        unread: how many wait to be read.
        failed: how many could not be.
        keys: how many open it now.
    """

    model: str
    calls_tools: bool
    others: list[str]
    tools: int
    documents: int
    unread: int
    failed: int
    keys: int

    @property
    def is_deaf(self) -> bool:
        """Whether it has what its model does not call."""
        return not self.calls_tools and bool(self.tools or self.documents or self.unread)


def steps_of(app: App) -> Steps:
    """Return how far an App is, as its draft says."""
    documents = app.documents.aggregate(
        ready=Count("pk", filter=Q(state=Document.State.READY)),
        unread=Count("pk", filter=UNREAD),
        failed=Count("pk", filter=Q(state=Document.State.FAILED)),
    )
    others = app.alternatives.filter(supports_tools=False).order_by("name").values_list("name", flat=True)
    return Steps(
        model=app.default_model.name,
        calls_tools=app.default_model.supports_tools,
        others=list(others),
        tools=app.tools.filter(is_enabled=True).count(),
        documents=documents["ready"],
        unread=documents["unread"],
        failed=documents["failed"],
        keys=app.keys.usable().count(),
    )


def panels(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return what the page's template shows of an App that exists, as far as the operator may see it."""
    context: dict[str, Any] = {"steps": steps_of(app), "needs_key": not app.is_default, **releases_panel(app)}
    if request.user.has_perm("apps_registry.view_tool") or request.user.has_perm("apps_registry.change_tool"):
        context["http_tools"] = app.tools.filter(kind=Tool.Kind.HTTP)
    if app.is_default:
        context["show_delete"] = False
    if request.user.has_perm("keys.view_appkey"):
        context["app_keys"] = app.keys.order_by("-created_at")[:KEYS_SHOWN]
        context["app_keys_total"] = app.keys.count()
    return context
