"""The admin page of turns; operators may only read them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps_registry.admin.base import MachineRowsAdmin
from apps_registry.admin.display import NOTHING, badge, code, linked, moment, money
from apps_registry.models import Model, OutboundCall
from apps_registry.values import OPERATORS_KEY_ID
from sessions_app.admin.sent import sent_in
from sessions_app.admin.timeline import timeline_of
from sessions_app.models import SentRequest, Turn

OUTBOUND_SHOWN = 100
READS_REQUESTS = "sessions_app.view_sentrequest"
# What a turn's page leaves out while the row has nothing of it: the column, by field.
LEFT_OUT = {
    "idempotency_key": "idempotency_key",
    "finished": "finished_at",
    "latency": "finished_at",
    "first_token": "first_token_ms",
    "unreported_tokens": "unreported_tokens",
    "unpriced_tokens": "unpriced_tokens",
    "tool_rounds": "tool_rounds",
    "finish_reason": "finish_reason",
    "failed_attempts": "attempts",
    "error_code": "error_code",
    "detail": "error_detail",
    "partial": "partial_text",
}


class ModelFilter(admin.SimpleListFilter):
    """Filters turns by model; offers the rows of Model, because the distinct models of all turns are slow to find."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all models by name."""
        return [(name, name) for name in Model.objects.order_by("name").values_list("name", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Turn]) -> QuerySet[Turn]:
        """Keep the turns of the selected model."""
        return queryset.filter(model=self.value()) if self.value() else queryset


@admin.register(Turn)
class TurnAdmin(MachineRowsAdmin[Turn]):
    """A turn's page shows what the turn used and how it ended."""

    list_display = ("started", "app", "model", "state", "latency", "first_token", "tokens", "error_code")
    list_filter = ("status", "app", ModelFilter, "started_at")
    list_select_related = ("app",)
    search_fields = ("^id", "^session__id", "=error_code")
    id_columns = ("pk", "session_id")
    search_help_text = "Turn id or session id, or their beginning; or an error code."
    ordering = ("-started_at",)
    fieldsets = (
        (None, {"fields": ("id", "session_link", "app_link", "key_link", "model", "state", "idempotency_key")}),
        ("Time", {"fields": ("started", "finished", "latency", "first_token")}),
        (
            "Work",
            {"fields": ("tokens", "unreported_tokens", "price", "unpriced_tokens", "tool_rounds", "finish_reason")},
        ),
        ("Models that did not answer, and what was refused", {"fields": ("failed_attempts",)}),
        ("Error", {"fields": ("error_code", "detail")}),
        ("Partial reply", {"fields": ("partial",), "classes": ("collapse",)}),
    )

    change_form_template = "admin/sessions_app/turn/change_form.html"

    def heading(self, row: Turn) -> str:
        """Name the turn by its App and the beginning of its id."""
        return f"Turn {str(row.pk)[:8]} of {row.app.slug}"

    def get_fieldsets(self, request: HttpRequest, obj: Turn | None = None) -> Any:
        """Leave out what the turn has nothing of."""
        fieldsets = []
        for name, options in super().get_fieldsets(request, obj):
            fields = [field for field in options["fields"] if obj is None or _has(obj, str(field))]
            fieldsets += [(name, {**options, "fields": fields})] if fields else []
        return fieldsets

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what the turn did, on one scale."""
        turn = self.get_object(request, unquote(object_id))
        calls: list[OutboundCall] = []
        if turn is not None and request.user.has_perm("apps_registry.view_outboundcall"):
            calls = list(OutboundCall.objects.filter(turn_id=turn.pk).order_by("id")[:OUTBOUND_SHOWN])
        shown: dict[str, Any] = {"timeline": timeline_of(turn, calls) if turn is not None else None}
        if turn is not None and request.user.has_perm(READS_REQUESTS):
            shown |= {"reads_requests": True, "sent": sent_in(turn)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def get_urls(self) -> list[URLPattern]:
        """Add the whole of a request that was kept."""
        view = self.admin_site.admin_view(self.request_view)
        name = "sessions_app_turn_request"
        return [path("<uuid:turn_id>/request/<int:pk>/", view, name=name), *super().get_urls()]

    def request_view(self, request: HttpRequest, turn_id: UUID, pk: int) -> HttpResponse:
        """Return a request to a model as it was sent, but for masked secrets, as plain text."""
        if not (self.has_view_permission(request) and request.user.has_perm(READS_REQUESTS)):
            raise PermissionDenied
        sent = SentRequest.objects.filter(turn=turn_id, pk=pk).first()
        if sent is None:
            raise Http404
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(sent.body, content_type="text/plain; charset=utf-8", headers=headers)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Turn]:
        """Add each turn's duration, so that Postgres can sort by it."""
        return super().get_queryset(request).annotate(took=F("finished_at") - F("started_at"))

    def has_delete_permission(self, request: HttpRequest, obj: Turn | None = None) -> bool:
        """Forbid deletion: turns are the usage record and are deleted with their session only."""
        return False

    @admin.display(description="started", ordering="started_at")
    def started(self, turn: Turn) -> SafeString:
        """Show when the user's message was stored."""
        return moment(turn.started_at)

    @admin.display(description="finished")
    def finished(self, turn: Turn) -> SafeString:
        """Show when the reply or the failure was stored."""
        return moment(turn.finished_at)

    @admin.display(description="status", ordering="status")
    def state(self, turn: Turn) -> SafeString:
        """Show the turn's status as a badge."""
        return badge(turn.status)

    @admin.display(description="latency", ordering="took")
    def latency(self, turn: Any) -> SafeString | str:
        """Show the time from the message to the end, in seconds."""
        return f"{turn.took / timedelta(seconds=1):,.2f} s" if turn.took is not None else NOTHING

    @admin.display(description="first token", ordering="first_token_ms")
    def first_token(self, turn: Turn) -> SafeString | str:
        """Show the time from the model call to the first token, in milliseconds."""
        return f"{turn.first_token_ms:,} ms" if turn.first_token_ms is not None else NOTHING

    @admin.display(description="tokens (in / out)", ordering="completion_tokens")
    def tokens(self, turn: Turn) -> SafeString | str:
        """Show the provider's token counts of prompt and reply."""
        if turn.prompt_tokens is None and turn.completion_tokens is None:
            return NOTHING
        return f"{turn.prompt_tokens or 0:,} / {turn.completion_tokens or 0:,}"

    @admin.display(description="cost", ordering="cost")
    def price(self, turn: Turn) -> SafeString | str:
        """Show the cost at the prices of that time."""
        return money(turn.cost) or NOTHING

    @admin.display(description="in this order")
    def failed_attempts(self, turn: Turn) -> SafeString:
        """Show which models failed and why, and which parts of a request a provider refused."""
        if not turn.attempts:
            return NOTHING
        lines = ((attempt["model"], code(attempt["code"]), attempt.get("note", "")) for attempt in turn.attempts)
        return format_html_join(mark_safe("<br>"), "{} {} {}", lines)

    @admin.display(description="session")
    def session_link(self, turn: Turn) -> SafeString:
        """The conversation that it is part of."""
        return linked("admin:sessions_app_chatsession_change", turn.session_id, turn.session_id)

    @admin.display(description="App")
    def app_link(self, turn: Turn) -> SafeString:
        return linked("admin:apps_registry_app_change", turn.app_id, turn.app)

    @admin.display(description="App key")
    def key_link(self, turn: Turn) -> SafeString | str:
        """Link to the App key of the request, if it needed one."""
        if turn.app_key_id is None:
            return "none: the default App needs no key"
        if turn.app_key_id == OPERATORS_KEY_ID:
            return "none: an operator's, from the playground"
        # This app must not import the keys app, so it looks the model up by name.
        key = apps.get_model("keys", "AppKey")._default_manager.filter(pk=turn.app_key_id).first()
        return linked("admin:keys_appkey_change", key.pk, key) if key else f"no. {turn.app_key_id} (deleted)"

    @admin.display(description="detail")
    def detail(self, turn: Turn) -> SafeString:
        """Show the full error."""
        return format_html('<pre class="aomi-text">{}</pre>', turn.error_detail) if turn.error_detail else NOTHING

    @admin.display(description="streamed so far")
    def partial(self, turn: Turn) -> SafeString:
        """Show the text that an unfinished turn had streamed when it was last stored."""
        return format_html('<pre class="aomi-text">{}</pre>', turn.partial_text) if turn.partial_text else NOTHING


def _has(turn: Turn, name: str) -> bool:
    """Whether a turn has something to show in a field of its page; a cost of 0 is something."""
    if name == "price":
        return turn.cost is not None
    if name == "tokens":
        return turn.prompt_tokens is not None or turn.completion_tokens is not None
    return name not in LEFT_OUT or bool(getattr(turn, LEFT_OUT[name]))
