"""What the tabs of an App's page show besides their forms, limited to what the operator may see."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, prefetch_related_objects
from django.http import HttpRequest

from apps_registry.admin.additions import added_to
from apps_registry.admin.app_tabs.changed_tabs import changed_tabs
from apps_registry.admin.recent_calls import add_recent_calls
from apps_registry.admin.release_pages import releases_panel
from apps_registry.models import App, Document, Tool
from apps_registry.releases.content import find_problem
from apps_registry.releases.draft_changes import draft_state
from apps_registry.services.failing_tools import failing_tools

KEYS_SHOWN = 20
DOCUMENTS_SHOWN = 50
TOOLS_SHOWN = 200
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
        unread: number of documents that wait for their ingest or are being read.
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
    """Return the setup progress of an App's draft; prefetch the App's tools, which other panels need too."""
    prefetch_related_objects([app], "tools")
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
        tools=sum(tool.is_enabled for tool in app.tools.all()),
        documents=documents["ready"],
        unread=documents["unread"],
        failed=documents["failed"],
        keys=app.keys.usable().count(),
    )


def overview(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the setup progress, how the draft differs from the live release, its problems, and the tools that fail."""
    context: dict[str, Any] = {"steps": steps_of(app), "needs_key": not app.is_default}
    if app.live_release:
        draft = draft_state(app)
        context |= {"release_problem": find_problem(app.live_release), "draft": draft}
        context["changed_tabs"] = changed_tabs(draft.differing)
    if request.user.has_perm("apps_registry.view_outboundcall"):
        context["failing_tools"] = failing_tools(app.pk)
    return context | added_to("app overview", request, app)


def prompt(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the prompt that the model gets."""
    return added_to("app prompt", request, app)


def models(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the setup progress, which names the models that cannot call tools."""
    return {"steps": steps_of(app)}


def tools(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the tools that are not built in, and the MCP servers."""
    context: dict[str, Any] = {}
    if _may_see(request, "tool"):
        rows = app.tools.exclude(kind=Tool.Kind.BUILTIN).select_related("mcp_server")
        context["tool_rows"] = list(rows.order_by("kind", "name")[:TOOLS_SHOWN])
        if request.user.has_perm("apps_registry.view_outboundcall"):
            add_recent_calls(context["tool_rows"])
    if _may_see(request, "mcpserver"):
        context["mcp_servers"] = app.mcp_servers.annotate(used=Count("tools", filter=Q(tools__is_enabled=True)))
    return context


def documents(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the documents of the draft, those that need attention first."""
    if not _may_see(request, "document"):
        return {}
    rows = app.documents.annotate(has_failed=Q(state=Document.State.FAILED)).defer("losses")
    rows = rows.order_by("-has_failed", "-queued_at", "-pk")
    return {"documents_shown": list(rows[:DOCUMENTS_SHOWN]), "documents_total": app.documents.count()}


def keys(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the newest keys of the App."""
    return {
        "needs_key": not app.is_default,
        "app_keys": app.keys.order_by("-created_at")[:KEYS_SHOWN],
        "app_keys_total": app.keys.count(),
    }


def releases(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the newest releases, and the number of changes of the draft against the live release."""
    state = draft_state(app, compares_others=True)
    return {
        **releases_panel(app),
        "draft_changes": state.changes,
        "draft_equals": state.equals,
        "changed_tabs": changed_tabs(state.differing),
    }


def usage(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the App's usage."""
    return added_to("app usage", request, app)


def settings(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return nothing: this tab shows only its form."""
    return {}


def _may_see(request: HttpRequest, kind: str) -> bool:
    return any(request.user.has_perm(f"apps_registry.{verb}_{kind}") for verb in ("view", "change"))
