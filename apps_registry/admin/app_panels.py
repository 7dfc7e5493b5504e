"""The panels next to the form on an App's page: progress, tools, releases and keys."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest

from apps_registry.admin.release_pages import releases_panel
from apps_registry.models import App, Document, Tool

KEYS_SHOWN = 20
UNFINISHED = Q(state__in=[Document.State.QUEUED, Document.State.PROCESSING])


@dataclass(frozen=True, slots=True)
class Steps:
    """The setup progress of an App.

    Attributes:
        model: name of the default model.
        calls_tools: whether the default model can call tools.
        others: names of the alternative models that cannot.
        tools: number of enabled tools.
        documents: number of documents that search can find.
        unread: number of documents that wait for their ingest.
        failed: number of documents whose ingest failed.
        keys: number of usable keys.
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
    def has_unusable_tools(self) -> bool:
        """Whether the App has tools or documents, but a model that cannot call tools."""
        return not self.calls_tools and bool(self.tools or self.documents or self.unread)


def steps_of(app: App) -> Steps:
    """Return the setup progress of an App's draft."""
    documents = app.documents.aggregate(
        ready=Count("pk", filter=Q(state=Document.State.READY)),
        unread=Count("pk", filter=UNFINISHED),
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
    """Return the template context of the panels, limited to what the operator may see."""
    context: dict[str, Any] = {"steps": steps_of(app), "needs_key": not app.is_default, **releases_panel(app)}
    if request.user.has_perm("apps_registry.view_tool") or request.user.has_perm("apps_registry.change_tool"):
        context["http_tools"] = app.tools.filter(kind=Tool.Kind.HTTP)
    if app.is_default:
        context["show_delete"] = False
    if request.user.has_perm("keys.view_appkey"):
        context["app_keys"] = app.keys.order_by("-created_at")[:KEYS_SHOWN]
        context["app_keys_total"] = app.keys.count()
    return context
