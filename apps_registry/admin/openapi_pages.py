"""The admin pages that import tools from OpenAPI: the document, the selection, and the preview of changes."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.forms.openapi import OpenApiDocumentForm
from apps_registry.models import App
from apps_registry.models.openapi import OpenApiSource
from apps_registry.openapi.document import DocumentError
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.report import counts
from apps_registry.services.openapi_import import Import, apply, begin, fetch, resume
from apps_registry.services.plan import PlanChanged
from apps_registry.services.secrets import secrets_to_set

MAX_SHOWN = 500
TOOL_PERMISSIONS = ("apps_registry.add_tool", "apps_registry.change_tool", "apps_registry.delete_tool")


class OpenApiPages:
    """Three steps, each of which previews the next one; tools change only in the last step."""

    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns below that of the Apps."""
        guard = self._admin.admin_site.admin_view
        return [
            path("<int:app_id>/openapi/", guard(self.document_view), name="apps_registry_app_openapi"),
            path(
                "<int:app_id>/openapi/<int:source_id>/",
                guard(self.operations_view),
                name="apps_registry_app_openapi_operations",
            ),
        ]

    def document_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Show the form (GET); read the document and redirect to its operations (POST)."""
        app = self._app(request, app_id)
        is_sent = request.method == "POST"
        form = OpenApiDocumentForm(request.POST if is_sent else None, request.FILES if is_sent else None)
        if form.is_valid():
            try:
                source = _saved(app, form.cleaned_data)
            except DocumentError as error:
                form.add_error(None, str(error))
            else:
                return redirect("admin:apps_registry_app_openapi_operations", app.pk, source.pk)
        sources = app.openapi_sources.defer("content")
        return self._page(request, "document", app, "Import tools from OpenAPI", form=form, sources=sources)

    def operations_view(self, request: HttpRequest, app_id: int, source_id: int) -> HttpResponse:
        """Show the operations (GET); preview the changes, then apply them (POST)."""
        app = self._app(request, app_id)
        source = OpenApiSource.objects.filter(app=app, pk=source_id).first()
        if source is None:
            raise Http404
        try:
            importing = resume(source)
        except DocumentError as error:
            self._admin.message_user(request, str(error), messages.ERROR)
            return redirect("admin:apps_registry_app_openapi", app.pk)
        if request.method != "POST":
            return self._choice(request, importing)
        chosen = request.POST.getlist("operation")
        if "digest" in request.POST and self._applied(request, importing, chosen):
            return redirect("admin:apps_registry_app_tools", app.pk)
        plan = importing.plan(chosen)
        context = {"source": source, "plan": plan, "chosen": chosen, "counts": counts(plan), "digest": plan.digest()}
        return self._page(request, "plan", app, f"Changes by importing from “{source.title}”", **context)

    def _choice(self, request: HttpRequest, importing: Import) -> HttpResponse:
        tag, words = request.GET.get("tag", ""), request.GET.get("q", "").strip()
        matches = [operation for operation in importing.operations if _matches(operation, tag, words)]
        context = {
            "source": importing.source,
            "operations": matches[:MAX_SHOWN],
            "match_count": len(matches),
            "total": len(importing.operations),
            "unlisted": importing.unlisted,
            "known": importing.known_keys(),
            "tags": sorted({tag for operation in importing.operations for tag in operation.tags}),
            "tag": tag,
            "q": words,
        }
        return self._page(request, "operations", importing.app, f"Operations of “{importing.source.title}”", **context)

    def _applied(self, request: HttpRequest, importing: Import, chosen: list[str]) -> bool:
        try:
            plan = apply(importing, chosen, digest=request.POST["digest"])
        except PlanChanged:
            self._admin.message_user(
                request,
                "The tools or the document have changed in the meantime. Review the changes again.",
                messages.WARNING,
            )
            return False
        self._admin.done(request, importing.app, f"Imported from “{importing.source.title}”: {counts(plan)}.")
        if missing := secrets_to_set(importing.app, plan.secret_hosts):
            self._admin.message_user(request, f"Secrets to set: {', '.join(missing)}.", messages.WARNING)
        return True

    def _app(self, request: HttpRequest, app_id: int) -> App:
        app = self._admin.changeable(request, app_id)
        if not request.user.has_perms(TOOL_PERMISSIONS):
            raise PermissionDenied
        return app

    def _page(self, request: HttpRequest, name: str, app: App, title: str, **context: Any) -> HttpResponse:
        template = f"admin/apps_registry/openapi_{name}.html"
        return self._admin.page(request, template, title=title, obj=app, app=app, **context)


def _saved(app: App, data: dict[str, Any]) -> OpenApiSource:
    """Read and store the document; tools change only after the operator has seen the preview."""
    content = data["file"].read() if data["file"] else fetch(app, data["url"])
    importing = begin(app, content, url=data["url"], prefix=data["name_prefix"] or None, server=data["server"] or None)
    importing.source.save()
    return importing.source


def _matches(operation: Operation, tag: str, words: str) -> bool:
    text = f"{operation.key} {operation.method} {operation.path} {operation.summary}".lower()
    return (not tag or tag in operation.tags) and all(word in text for word in words.lower().split())
