"""The admin pages for HTTP tools and for the log of outbound calls."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.admin.base import AppPartAdmin, MachineRowsAdmin
from apps_registry.admin.csv_list import CsvList
from apps_registry.admin.display import badge, code, moment
from apps_registry.admin.forms.tool import HttpToolForm, TrialForm, needs_schema
from apps_registry.admin.outbound_call import conversation_link, errors_told, outcome, tool_link
from apps_registry.admin.recent_calls import add_recent_calls
from apps_registry.http_tools.checks import secrets_used
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.sample import sample_arguments
from apps_registry.http_tools.trial import Trial, private_host, try_tool, unlisted_host
from apps_registry.models import App, OutboundCall, Tool
from apps_registry.services.allowed_hosts import allow_host
from apps_registry.services.outbound_log import store_outside_turn
from apps_registry.services.surroundings import surroundings_of
from apps_registry.tools.base import ToolContext

READS_CONVERSATIONS = "sessions_app.view_chatsession"
ARGUMENTS_AS_SCHEMA: Any = (
    "Arguments as JSON Schema",
    {
        "fields": ("parameters",),
        "classes": ("collapse",),
        "description": "For arguments that need more than the table above.",
    },
)


@admin.register(Tool)
class ToolAdmin(AppPartAdmin[Tool]):
    """HTTP tools; built-in tools are check boxes on the App's page."""

    form = HttpToolForm
    list_display = ("name", "app", "state", "request_line", "last_hour")
    list_filter = ("app", "is_enabled")
    list_select_related = ("app",)
    search_fields = ("name", "app__slug")
    ordering = ("app__slug", "name")
    change_form_template = "admin/apps_registry/tool/change_form.html"
    fieldsets = (
        (
            "What the model sees",
            {
                "fields": ("app", "name", "description", "arguments", "is_enabled"),
                "description": "A tool is a request that the model can send. It belongs to one App.",
            },
        ),
        (
            "Request",
            {
                "fields": ("method", "url", "query", "headers", "body_type", "body"),
                "description": "Placeholders: {{ args.NAME }}, {{ wallet.address }}, {{ wallet.chain_id }}, "
                "{{ wallet.is_proven }}, and {{ secrets.NAME }} for a secret of the App. A host in a private network "
                "must be allowed first; “Try it” offers this.",
            },
        ),
        ("Result", {"fields": ("result_path", "result_headers", "max_result_chars")}),
        ("Users", {"fields": ("needs_wallet", "needs_confirmation")}),
        ("Limits", {"fields": ("timeout_seconds", "retries", "cache_seconds"), "classes": ("collapse",)}),
        ARGUMENTS_AS_SCHEMA,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tool]:
        return super().get_queryset(request).filter(kind=Tool.Kind.HTTP)

    @admin.display(description="state", ordering="is_enabled")
    def state(self, tool: Tool) -> SafeString:
        return badge("active") if tool.is_enabled else badge("inactive")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Show calls to operators who may see them."""
        sees_calls = request.user.has_perm("apps_registry.view_outboundcall")
        return self.list_display if sees_calls else tuple(name for name in self.list_display if name != "last_hour")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count the recent calls of all tools on the page at once."""
        changelist = super().get_changelist_instance(request)
        if "last_hour" in changelist.list_display:
            add_recent_calls(changelist.result_list)
        return changelist

    @admin.display(description="last hour")
    def last_hour(self, tool: Any) -> str:
        """The calls of the last hour, and those of them that failed."""
        return render_to_string("admin/apps_registry/tool/recent_calls.html", {"recent": tool.recent_calls})

    @admin.display(description="request")
    def request_line(self, tool: Tool) -> SafeString:
        return code(tool.request_line[:120])

    def get_readonly_fields(self, request: HttpRequest, obj: Tool | None = None) -> tuple[str, ...]:
        """Make the App read-only, since another App has other secrets and other allowed hosts."""
        return ("app",) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Tool | None = None) -> Any:
        """Move the schema of arguments to the top, expanded, if the table cannot show them."""
        if obj is None or not needs_schema(obj):
            return self.fieldsets
        title, options = ARGUMENTS_AS_SCHEMA
        first, *rest = (fieldset for fieldset in self.fieldsets if fieldset != ARGUMENTS_AS_SCHEMA)
        return (first, (title, {**options, "classes": ()}), *rest)

    def response_add(self, request: HttpRequest, obj: Tool, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to the page that tries the tool."""
        if "_save" not in request.POST or not self.has_change_permission(request, obj):
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, f"“{obj}” was added. {_availability_note(obj.app)}", messages.SUCCESS)
        return redirect("admin:apps_registry_tool_try", obj.pk)

    def save_model(self, request: HttpRequest, obj: Tool, form: Any, change: bool) -> None:
        """Save the tool, and warn about missing secrets."""
        super().save_model(request, obj, form, change)
        definition = obj.http_definition()
        missing = sorted(secrets_used(definition) - set(obj.app.secrets.values_list("name", flat=True)))
        if missing:
            text = (
                f"“{obj.app}” has no secret {', '.join(missing)} yet: set it on the App's page, for {definition.host}."
            )
            self.message_user(request, text, messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("<path:object_id>/try/", view, name="apps_registry_tool_try"), *super().get_urls()]

    def try_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the form for arguments (GET); run the tool and show the result (POST)."""
        tool = self.changeable(request, object_id)
        try:
            definition = tool.http_definition()
        except (TypeError, ValueError):
            self.message_user(
                request, "The stored definition of this tool cannot be read: define the tool again.", messages.ERROR
            )
            return redirect("admin:apps_registry_tool_change", tool.pk)
        if "allow" in request.POST:
            self._allow_host(request, tool, definition)
        sample = {"arguments": _pretty(sample_arguments(definition.parameters))}
        form = TrialForm(definition, request.POST if request.method == "POST" else None, initial=sample)
        trial = _try(tool.app, definition, form.cleaned_data) if form.is_valid() else None
        if trial:
            self.log_change(request, tool, "Tried.")
        page = self.page(
            request,
            "admin/apps_registry/tool/try.html",
            title=f"Try {tool.name}",
            obj=tool,
            form=form,
            trial=trial,
            private_host=private_host(definition, trial) if trial else None,
            unlisted_host=unlisted_host(trial) if trial else None,
            may_allow=request.user.has_perm("apps_registry.change_app"),
        )
        page["Cache-Control"] = "no-store"
        return page

    def _allow_host(self, request: HttpRequest, tool: Tool, definition: HttpToolDefinition) -> None:
        """Allow the App's tools to call this tool's host, which is in a private network."""
        if not request.user.has_perm("apps_registry.change_app"):
            raise PermissionDenied
        host = definition.host
        if allow_host(tool.app, host):
            self.log_change(request, tool.app, f"Allowed the host {host}.")
            self.message_user(request, f"“{tool.app}” may call {host} now.", messages.SUCCESS)


class OutcomeFilter(admin.SimpleListFilter):
    """Filters calls by their outcome. A call that was answered with a status of 400 or more has failed, too."""

    title, parameter_name = "outcome", "outcome"
    conditions = {
        "failed": OutboundCall.FAILED,
        "error": Q(status__gte=400),
        "refused": Q(verdict__startswith="refused"),
        "timeout": Q(verdict="timed out"),
        "answered": Q(verdict="answered"),
        "cancelled": Q(verdict="cancelled"),
        "ended": ~Q(verdict="cancelled"),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Describe each outcome."""
        words = ("any failure", "answered with an error status", "refused by this server", "timed out", "answered")
        return list(zip(self.conditions, (*words, "cancelled", "not cancelled"), strict=True))

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundCall]) -> QuerySet[OutboundCall]:
        """Keep the calls with the chosen outcome."""
        condition = self.conditions.get(self.value() or "")
        return queryset.filter(condition) if condition is not None else queryset


class ToolFilter(admin.SimpleListFilter):
    """Shows the calls of the tool that the URL names; it offers no others, of which there may be very many."""

    title, parameter_name = "tool", "tool"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the chosen tool only, so that the choice is seen and can be removed."""
        chosen = self.value()
        return [(chosen, chosen)] if chosen else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundCall]) -> QuerySet[OutboundCall]:
        """Keep the calls of the tool."""
        chosen = self.value()
        return queryset.filter(tool=chosen) if chosen else queryset


@admin.register(OutboundCall)
class OutboundCallAdmin(CsvList, MachineRowsAdmin[OutboundCall]):
    """Requests of tools and operators to other servers, sent or refused; kept for a month."""

    list_display = ("created", "app_name", "tool", "request_line", "ended", "turn")
    list_filter = ("app", ToolFilter, OutcomeFilter, "created_at")
    list_select_related = ("app",)
    search_fields = ("host", "tool", "verdict", "=status")
    search_help_text = "Host, tool, status, verdict, the id of a turn, or a request id."
    id_columns = ("turn_id", "request_id")
    csv_fields = (
        *("created_at", "app_id", "app__slug", "turn_id", "request_id", "tool", "method", "host", "address", "status"),
        *("milliseconds", "received_bytes", "verdict"),
    )
    readonly_fields = ("created", "turn", "app_name", "ended", "tool_page", "conversation", "errors")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboundCall]:
        """Load the Apps with an outer join, since an App may have been deleted."""
        return super().get_queryset(request).select_related("app")

    def get_fields(self, request: HttpRequest, obj: OutboundCall | None = None) -> tuple[str, ...]:
        """Show the tool and the conversation to operators who may open them."""
        reads_turn = obj is not None and obj.turn_id is not None and request.user.has_perm(READS_CONVERSATIONS)
        opens_tool = request.user.has_perm("apps_registry.view_tool")
        return (
            *(
                "ended",
                *(("errors", "conversation") if reads_turn else ()),
                "created",
                "turn",
                "request_id",
                "app_name",
            ),
            *("tool_page" if opens_tool else "tool", "method", "host", "address", "milliseconds", "received_bytes"),
        )

    def has_delete_permission(self, request: HttpRequest, obj: OutboundCall | None = None) -> bool:
        """Refuse: the log is evidence, and rows are removed only after a month."""
        return False

    @admin.display(description="App", ordering="app")
    def app_name(self, call: OutboundCall) -> str:
        """The App that made the call."""
        return str(call.app) if call.app else f"App {call.app_id} (deleted)"

    @admin.display(description="time", ordering="created_at")
    def created(self, call: OutboundCall) -> SafeString:
        """The end of the call."""
        return moment(call.created_at)

    @admin.display(description="request", ordering="host")
    def request_line(self, call: OutboundCall) -> SafeString:
        return code(f"{call.method} {call.host}")

    @admin.display(description="outcome", ordering="status")
    def ended(self, call: OutboundCall) -> SafeString:
        return outcome(call)

    @admin.display(description="tool")
    def tool_page(self, call: OutboundCall) -> SafeString | str:
        return tool_link(call)

    @admin.display(description="conversation")
    def conversation(self, call: OutboundCall) -> SafeString | str:
        return conversation_link(call)

    @admin.display(description="errors of the tool in this turn")
    def errors(self, call: OutboundCall) -> SafeString:
        return errors_told(call)

    @admin.display(description="turn", ordering="turn_id")
    def turn(self, call: OutboundCall) -> SafeString:
        """The turn that made the call; its page no longer exists if its session was deleted."""
        if call.turn_id is None:
            return format_html("<span>{}</span>", "an operator")
        address = reverse("admin:sessions_app_turn_change", args=[call.turn_id])
        return format_html('<a href="{}">{}</a>', address, code(f"{str(call.turn_id)[:8]}…"))


def _try(app: App, definition: HttpToolDefinition, data: dict[str, Any]) -> Trial:
    context = ToolContext()
    if address := data.get("wallet_address", "").lower():
        context = ToolContext(address, data["wallet_chain_id"], data["wallet_is_proven"])
    trial = try_tool(definition, surroundings_of(app), data["arguments"], context)
    store_outside_turn(app.pk, f"{definition.name} tried", trial.records)
    return trial


def _pretty(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def _availability_note(app: App) -> str:
    if app.live_release_id is None:
        return f"The model of “{app}” can call it now."
    return f"The draft of “{app}” can call it now; callers get it with the next release."
