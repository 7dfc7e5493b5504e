"""Admin pages for sessions and turns; operators may read both and delete sessions, but edit nothing."""

from collections import deque
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps_registry.admin.display import NOTHING, MachineRowsAdmin, badge, code, deletion_summary, moment
from apps_registry.models import Model
from apps_registry.values import release_to_run
from sessions_app.models import ChatSession, Message, SystemEvent, Turn
from sessions_app.transcript import pretty_json, read_window

TURNS_SHOWN = 50
EVENTS_SHOWN = 50


@admin.register(ChatSession)
class ChatSessionAdmin(MachineRowsAdmin[ChatSession]):
    """A session's page also shows its conversation, turns and system events."""

    list_display = ("short_id", "app", "state", "name", "message_count", "short_wallet", "last_active")
    list_display_links = ("short_id", "name")
    list_filter = ("app", "status", "is_archived")
    list_select_related = ("app",)
    search_fields = ("^id", "title", "wallet_address")
    search_help_text = "Session id or its beginning, words of the title, or a wallet address."
    ordering = ("-last_active_at",)
    change_form_template = "admin/sessions_app/chatsession/change_form.html"
    fieldsets = (
        (None, {"fields": ("id", "app_link", "release_run", "state", "name", "wallet", "created", "last_active")}),
        ("Summary of its first messages, for the model", {"fields": ("summarised",), "classes": ("collapse",)}),
        ("What the client last said of itself (user_state)", {"fields": ("client_state",), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatSession]:
        """Add the number of messages to each session."""
        messages = Message.objects.filter(session=OuterRef("pk")).order_by().values("session")
        total = Subquery(messages.annotate(total=Count("pk")).values("total"))
        return super().get_queryset(request).annotate(message_total=total)

    @admin.display(description="id", ordering="id")
    def short_id(self, session: ChatSession) -> SafeString:
        """Show the start of the id, with the full id as a tooltip."""
        return format_html('<span title="{}">{}</span>', session.id, code(f"{str(session.id)[:8]}…"))

    @admin.display(description="wallet", ordering="wallet_address")
    def short_wallet(self, session: ChatSession) -> SafeString:
        """Show both ends of the wallet address, with the full address as a tooltip."""
        address = session.wallet_address
        if not address or len(address) < 16:
            return code(address)
        return format_html('<span title="{}">{}</span>', address, code(f"{address[:6]}…{address[-4:]}"))

    @admin.display(description="status", ordering="status")
    def state(self, session: ChatSession) -> SafeString:
        """Show the session's status as a badge."""
        return badge(session.status)

    @admin.display(description="title", ordering="title")
    def name(self, session: ChatSession) -> SafeString:
        """Show the title, and whether the session is archived."""
        title = format_html("<bdi>{}</bdi>", session.title) if session.title else NOTHING
        return format_html("{} {}", title, badge("archived")) if session.is_archived else title

    @admin.display(description="messages")
    def message_count(self, session: Any) -> str:
        """Show the number of messages."""
        return f"{session.message_total or 0:,}"

    @admin.display(description="wallet")
    def wallet(self, session: ChatSession) -> SafeString:
        """Show the wallet that the client named, its chain, and whether a signature proved ownership."""
        if not session.wallet_address:
            return NOTHING
        chain = f" on chain {session.wallet_chain_id}" if session.wallet_chain_id is not None else ""
        proof = "ownership proven" if session.wallet_is_proven else "ownership not proven"
        return format_html("{}{}, {}", code(session.wallet_address), chain, proof)

    @admin.display(description="last active", ordering="last_active_at")
    def last_active(self, session: ChatSession) -> SafeString:
        """Show when the session last changed."""
        return moment(session.last_active_at)

    @admin.display(description="created")
    def created(self, session: ChatSession) -> SafeString:
        """Show when the session was created."""
        return moment(session.created_at)

    @admin.display(description="App")
    def app_link(self, session: ChatSession) -> SafeString | str:
        """Link to the App that the session belongs to."""
        if session.app is None:
            return "none yet: its first chat message decides"
        return _link("admin:apps_registry_app_change", session.app_id, session.app)

    @admin.display(description="release")
    def release_run(self, session: ChatSession) -> str | SafeString:
        """Show the release that answers the next turn, and whether the session keeps it."""
        app = session.app
        if app is None:
            return NOTHING
        release_id = release_to_run(app.live_release_id, session.release_id, keeps=app.sessions_keep_release)
        release = app.releases.filter(pk=release_id).first() if release_id else None
        name = f"Release {release.number}" if release else "The App's draft"
        is_kept = release is not None and release.pk == session.release_id and app.sessions_keep_release
        return f"{name}, which it keeps." if is_kept else f"{name}: it follows what is live."

    @admin.display(description="summary")
    def summarised(self, session: ChatSession) -> SafeString:
        """Show the summary that replaces the first messages in the prompt."""
        if not session.summary:
            return NOTHING
        return format_html('{} messages:<pre class="aomi-text">{}</pre>', session.summarised_count, session.summary)

    @admin.display(description="sent by the client")
    def client_state(self, session: ChatSession) -> SafeString:
        """Show the user_state that the client sent."""
        return (
            format_html('<pre class="aomi-text">{}</pre>', pretty_json(session.user_state))
            if session.user_state
            else NOTHING
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the conversation below the session's fields; `?before=` pages to older messages."""
        session = self.get_object(request, unquote(object_id))
        panels = _panels(request, session) if session else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **panels})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Count the related rows rather than list them: there may be very many."""
        sessions = list(objs)
        ids = [session.pk for session in sessions]
        parts = {
            "messages": Message.objects.filter(session__in=ids).count(),
            "turns": Turn.objects.filter(session__in=ids).count(),
            "system events": SystemEvent.objects.filter(session__in=ids).count(),
        }
        return deletion_summary(request, sessions, {"sessions": len(sessions), **parts}, {})

    def delete_model(self, request: HttpRequest, obj: ChatSession) -> None:
        """Delete a session with its messages, turns and events."""
        self.delete_queryset(request, ChatSession.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ChatSession]) -> None:
        """Delete sessions under a row lock, so that a turn that is about to write waits and then finds no session."""
        sessions = ChatSession.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        deque(sessions.select_for_update().order_by("pk").values_list("pk").iterator(), maxlen=0)
        sessions.delete()


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
        return f"{turn.cost.normalize():f}" if turn.cost is not None else NOTHING

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
        return _link("admin:sessions_app_chatsession_change", turn.session_id, turn.session_id)

    @admin.display(description="App")
    def app_link(self, turn: Turn) -> SafeString:
        """Link to the App that answered."""
        return _link("admin:apps_registry_app_change", turn.app_id, turn.app)

    @admin.display(description="App key")
    def key_link(self, turn: Turn) -> SafeString | str:
        """Link to the App key of the request, if it needed one."""
        if turn.app_key_id is None:
            return "none: the default App needs no key"
        # This app must not import the keys app, so it looks the model up by name.
        key = apps.get_model("keys", "AppKey")._default_manager.filter(pk=turn.app_key_id).first()
        return _link("admin:keys_appkey_change", key.pk, key) if key else f"no. {turn.app_key_id}, which is gone"

    @admin.display(description="detail")
    def detail(self, turn: Turn) -> SafeString:
        """Show the full error."""
        return format_html('<pre class="aomi-text">{}</pre>', turn.error_detail) if turn.error_detail else NOTHING

    @admin.display(description="streamed so far")
    def partial(self, turn: Turn) -> SafeString:
        """Show the text that an unfinished turn had streamed when it was last stored."""
        return format_html('<pre class="aomi-text">{}</pre>', turn.partial_text) if turn.partial_text else NOTHING


def _link(view: str, pk: object, text: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse(view, args=[pk]), text)


def _panels(request: HttpRequest, session: ChatSession) -> dict[str, Any]:
    before = request.GET.get("before", "")
    is_position = before.isascii() and before.isdigit() and len(before) < 10
    context: dict[str, Any] = {"window": read_window(session, int(before) if is_position else None)}
    if request.user.has_perm("sessions_app.view_turn"):
        turns = session.turns.annotate(took=F("finished_at") - F("started_at")).order_by("-started_at")
        context |= {"turns": turns[:TURNS_SHOWN], "turns_total": turns.count()}
    events = session.events.order_by("-id")
    return {**context, "events": events[:EVENTS_SHOWN], "events_total": events.count()}
