"""The admin pages for MCP servers, and for the tools of a server that an App uses."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from apps_registry.admin.base import AppPartAdmin
from apps_registry.admin.forms.tool_fields import PairsField, write_pairs
from apps_registry.mcp.errors import McpError
from apps_registry.models.mcp import McpServer
from apps_registry.services.mcp_servers import choose, digest, refresh, states
from apps_registry.services.secrets import misdirected_secrets

TOOL_PERMISSIONS = ("apps_registry.add_tool", "apps_registry.change_tool", "apps_registry.delete_tool")


class McpServerForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """An MCP server, with one header per line."""

    headers = PairsField(help_text="One header per line, such as Authorization: Bearer {{ secrets.FILES_TOKEN }}.")

    class Meta:
        model = McpServer
        fields = ("app", "slug", "url", "headers", "timeout_seconds", "max_result_chars", "keeps_session")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["headers"] = write_pairs(self.instance.headers)

    def _post_clean(self) -> None:
        """Check, on the final values of the row, that its secrets may be sent to its host."""
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if self.errors:
            return
        for problem in misdirected_secrets(self.instance.app, self.instance.secrets_used(), self.instance.host):
            self.add_error("url", problem)


@admin.register(McpServer)
class McpServerAdmin(AppPartAdmin[McpServer]):
    list_display = ("slug", "app", "url", "tool_count", "refreshed_at")
    list_filter = ("app",)
    list_select_related = ("app",)
    search_fields = ("slug", "url", "app__slug")
    ordering = ("app__slug", "slug")
    change_form_template = "admin/apps_registry/mcpserver/change_form.html"
    form = McpServerForm
    fields = ("app", "slug", "url", "headers", "timeout_seconds", "max_result_chars", "keeps_session")

    def get_queryset(self, request: HttpRequest) -> QuerySet[McpServer]:
        return (
            super()
            .get_queryset(request)
            .annotate(tool_total=Count("tools"))
            .defer("offered", "offered_instructions", "left_out")
        )

    @admin.display(description="tools in use", ordering="tool_total")
    def tool_count(self, server: Any) -> int:
        return int(server.tool_total)

    def get_readonly_fields(self, request: HttpRequest, obj: McpServer | None = None) -> tuple[str, ...]:
        """Fix the App, and the prefix, which is part of the tool names in existing conversations."""
        return ("app", "slug") if obj else ()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.tools_view)
        own = path("<int:server_id>/tools/", view, name="apps_registry_mcpserver_tools")
        return [own, *super().get_urls()]

    def tools_view(self, request: HttpRequest, server_id: int) -> HttpResponse:
        """Compare the offered tools with those in use (GET); refresh the list, or save the selection (POST)."""
        server = self.changeable(request, server_id)
        if not request.user.has_perms(TOOL_PERMISSIONS):
            raise PermissionDenied
        if request.method == "POST":
            self._refresh(request, server) if "refresh" in request.POST else self._choose(request, server)
            return redirect("admin:apps_registry_mcpserver_tools", server.pk)
        return self.page(
            request,
            "admin/apps_registry/mcpserver/tools.html",
            title=f"Tools of “{server.slug}”",
            obj=server,
            server=server,
            states=states(server),
            digest=digest(server),
        )

    def _refresh(self, request: HttpRequest, server: McpServer) -> None:
        self.log_change(request, server, "Refreshed the list of tools.")
        try:
            refresh(server)
        except McpError as error:
            self.message_user(request, f"The list of tools could not be refreshed: {error}.", messages.ERROR)
        else:
            self.message_user(
                request, "The list of tools has been refreshed. The App still uses the same tools.", messages.SUCCESS
            )

    def _choose(self, request: HttpRequest, server: McpServer) -> None:
        if request.POST.get("digest") != digest(server):
            self.message_user(
                request,
                "The list of tools has been refreshed in the meantime. Review the selection again.",
                messages.WARNING,
            )
            return
        changes = choose(server, request.POST.getlist("tool"), confirmed=request.POST.getlist("confirm"))
        summary = "; ".join(changes) or "Nothing to change"
        if changes:
            self.log_change(request, server, summary)
        self.message_user(request, f"{summary}.", messages.SUCCESS)
