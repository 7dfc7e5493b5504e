"""The admin pages of sessions: their list, the conversation, and what an operator may do with one."""

from collections import deque
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps_registry.admin.base import MachineRowsAdmin, deletion_summary
from apps_registry.admin.display import NOTHING, badge, code, moment
from apps_registry.support.wallet_addresses import both_ends, shortened
from sessions_app.admin import export
from sessions_app.admin.conversation import parts_of, totals_of
from sessions_app.admin.facts import facts_of
from sessions_app.admin.filters import ErrorFilter, KeyFilter, PlaygroundFilter, keys
from sessions_app.admin.found import found_in, is_id, link_to, query_of
from sessions_app.admin.wallet_pages import WalletPages
from sessions_app.models import ChatSession, Message, SystemEvent, Turn
from sessions_app.queries import message_search
from sessions_app.queries.transcript import pretty_json, read_window

EVENTS_SHOWN = 50


class _FoundList(ChangeList):
    def url_for_result(self, result: Any) -> str:
        url = super().url_for_result(result)
        hits = getattr(result, "hits", ())
        return f"{url}{link_to(hits[0].position, self.query)}" if hits else url


@admin.register(ChatSession)
class ChatSessionAdmin(MachineRowsAdmin[ChatSession]):
    """A session's page is its conversation."""

    rows_name = "conversations"
    list_display = ("name", "app", "state", "message_count", "short_wallet", "last_active")
    list_display_links = ("name",)
    list_filter = ("app", "status", ErrorFilter, KeyFilter, PlaygroundFilter, "last_active_at", "is_archived")
    list_select_related = ("app",)
    search_fields = ("title",)
    search_help_text = (
        "Words of the conversation or its title, an id or its beginning, a wallet (also as 0x1234…abcd), or the "
        "beginning of a key."
    )
    ordering = ("-last_active_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatSession]:
        """Add the number of messages to each session."""
        messages = Message.objects.filter(session=OuterRef("pk")).order_by().values("session")
        total = Subquery(messages.annotate(total=Count("pk")).values("total"))
        return super().get_queryset(request).annotate(message_total=total)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ChatSession], search_term: str
    ) -> tuple[QuerySet[ChatSession], bool]:
        """Find a session by its id, its wallet, a key, its title, or what was said in it."""
        text = search_term.strip()
        rows, may_have_duplicates = super().get_search_results(request, queryset, text)
        if not text or is_id(text):
            return rows, may_have_duplicates
        if (ends := both_ends(text)) is not None:
            matches = Q(wallet_address__startswith=ends[0], wallet_address__endswith=ends[1])
            return queryset.filter(matches), False
        if text.startswith("sk-"):
            used = keys().filter(prefix__startswith=text[:60]) if _sees_keys(request) else keys().none()
            turns = Turn.objects.filter(app_key_id__in=used.values("pk"))
            return queryset.filter(pk__in=turns.values("session_id")), False
        return queryset.filter(self._matching(request, text)), False

    def _matching(self, request: HttpRequest, text: str) -> Q:
        matches = Q(title__icontains=text) | _id_begins(text)
        if query := query_of(request.user, text):
            matches |= Q(pk__in=message_search.sessions_containing(query))
        return matches

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show what matched in the messages of each session of the page."""
        response = super().changelist_view(request, {**(extra_context or {}), "title": "Conversations"})
        changelist: Any = (getattr(response, "context_data", None) or {}).get("cl")
        text = changelist.query.strip() if changelist else ""
        if query := query_of(request.user, text):
            sessions = list(changelist.result_list)
            hits = message_search.hits_in([session.pk for session in sessions], text, query)
            for session in sessions:
                session.hits = hits.get(session.pk, [])
            changelist.result_list = sessions
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Link each conversation that was found by its words to the first of them."""
        return _FoundList

    @admin.display(description="conversation", ordering="title")
    def name(self, session: Any) -> SafeString:
        """Show the title, the id, whether it is archived, and the search hits."""
        title = format_html("<bdi>{}</bdi>", session.title or "Untitled")
        archived = format_html(" {}", badge("archived")) if session.is_archived else ""
        if session.is_operators:
            archived = format_html(" {}{}", badge("playground", "operator's playground"), archived)
        hits = format_html_join(
            "",
            '<span class="aomi-sub aomi-hit"><bdi>{}<mark>{}</mark>{}</bdi></span>',
            ((hit.before, hit.match, hit.after) for hit in getattr(session, "hits", ())),
        )
        short_id = format_html('<span class="aomi-sub" title="{}">{}…</span>', session.pk, str(session.pk)[:8])
        return format_html("{}{}{}{}", title, archived, short_id, hits)

    @admin.display(description="wallet", ordering="wallet_address")
    def short_wallet(self, session: ChatSession) -> SafeString:
        """Show both ends of the wallet address, with the full address as a tooltip."""
        address = session.wallet_address
        if not address:
            return NOTHING
        return format_html('<span title="{}">{}</span>', address, code(shortened(address)))

    @admin.display(description="status", ordering="status")
    def state(self, session: ChatSession) -> SafeString:
        """Show the session's status as a badge."""
        return badge(session.status)

    @admin.display(description="messages")
    def message_count(self, session: Any) -> str:
        """Show the number of messages."""
        return f"{session.message_total or 0:,}"

    @admin.display(description="last active", ordering="last_active_at")
    def last_active(self, session: ChatSession) -> SafeString:
        """Show when the session last changed."""
        return moment(session.last_active_at)

    # --- One conversation ---------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the conversation; `?before=` pages to older messages, `?q=` marks the words of a search."""
        session = self.get_object(request, unquote(object_id))
        if session is None:
            raise Http404
        if request.method == "POST" or not self.has_view_permission(request, session):
            raise PermissionDenied
        before = request.GET.get("before", "")
        is_position = before.isascii() and before.isdigit() and len(before) < 10
        found = found_in(request, session)
        window = read_window(session, int(before) if is_position else None)
        shows_turns = request.user.has_perm("sessions_app.view_turn")
        events = session.events.order_by("-id")
        return self.page(
            request,
            "admin/sessions_app/chatsession/conversation.html",
            title=session.title or "Untitled conversation",
            obj=session,
            session=session,
            window=window,
            parts=parts_of(window, found, shows_turns=shows_turns),
            found=found,
            kept_query=f"{urlencode({'q': found.text})}&" if found else "",
            shows_turns=shows_turns,
            totals=totals_of(session) if shows_turns else "",
            facts=facts_of(session, request.user),
            events=list(events[:EVENTS_SHOWN]),
            events_total=events.count(),
            client_state=pretty_json(session.user_state) if session.user_state else "",
            may_change=request.user.has_perm("sessions_app.change_chatsession"),
            may_delete=self.has_delete_permission(request, session),
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the pages about one message, the files, the archive, and all data of a wallet."""
        view = self.admin_site.admin_view
        name = "sessions_app_chatsession_"
        own = [
            path("<uuid:pk>/message/<int:position>/", view(self.message_view), name=f"{name}message"),
            path("<uuid:pk>/export/<slug:kind>/", view(self.export_view), name=f"{name}export"),
            path("<uuid:pk>/archive/", view(require_POST(self.archive_view)), name=f"{name}archive"),
        ]
        return [*own, *WalletPages(self).urls(), *super().get_urls()]

    def message_view(self, request: HttpRequest, pk: UUID, position: int) -> HttpResponse:
        """Return the whole text of one message, as plain text."""
        message = self._readable(request, pk).messages.filter(position=position).first()
        if message is None:
            raise Http404
        return HttpResponse(message.content, content_type="text/plain; charset=utf-8")

    def export_view(self, request: HttpRequest, pk: UUID, kind: str) -> Any:
        """Return the session as a file, and record who exported it."""
        session = self._readable(request, pk)
        if kind not in export.KINDS:
            raise Http404
        self.log_change(request, session, f"Exported as {kind}.")
        return export.export(session, kind, with_turns=request.user.has_perm("sessions_app.view_turn"))

    def archive_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Archive a session, or remove it from the archive, as `POST /api/sessions/{id}/archive` does."""
        session = self._readable(request, pk)
        if not request.user.has_perm("sessions_app.change_chatsession"):
            raise PermissionDenied
        is_archived = request.POST.get("archived") == "1"
        changed = ChatSession.objects.filter(pk=pk, is_archived=not is_archived)
        if changed.update(is_archived=is_archived, version=F("version") + 1):
            self.done(request, session, "Archived." if is_archived else "Removed from the archive.")
        return redirect("admin:sessions_app_chatsession_change", pk)

    def _readable(self, request: HttpRequest, pk: UUID) -> ChatSession:
        session = ChatSession.objects.select_related("app").filter(pk=pk).first()
        if not self.has_view_permission(request, session):
            raise PermissionDenied
        if session is None:
            raise Http404
        return session

    # --- Deletion -----------------------------------------------------------------------------------

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


def _sees_keys(request: HttpRequest) -> bool:
    return request.user.has_perm("keys.view_appkey") or request.user.has_perm("keys.change_appkey")


def _id_begins(text: str) -> Q:
    """Return the condition that an id begins with a text; nothing matches a text that no id begins with."""
    digits = text.lower().replace("-", "")
    if not 6 <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return Q(pk__in=[])
    return Q(pk__range=(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))))
