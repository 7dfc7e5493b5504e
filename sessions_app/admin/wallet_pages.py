"""The page about all data of one wallet, and the deletion that its owner may request."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from apps_registry.support.wallet_addresses import both_ends, shortened
from sessions_app.models import ChatSession, Message, Turn, WalletChallenge

if TYPE_CHECKING:
    from sessions_app.admin.session import ChatSessionAdmin

# The number of sessions that one transaction locks and deletes.
BATCH = 200
SESSIONS_SHOWN = 20


class WalletPages:
    """The pages of a wallet, as part of the admin of sessions."""

    def __init__(self, owner: "ChatSessionAdmin") -> None:
        self._owner = owner

    def urls(self) -> list[URLPattern]:
        view = self._owner.admin_site.admin_view
        return [path("wallet/<slug:address>/", view(self.page), name="sessions_app_chatsession_wallet")]

    def page(self, request: HttpRequest, address: str) -> HttpResponse:
        """Show what is stored about a wallet (GET), or delete all of it (POST)."""
        if not self._owner.has_view_permission(request):
            raise PermissionDenied
        address = address.lower()
        if both_ends(address) is None:
            raise Http404
        sessions = ChatSession.objects.filter(wallet_address=address)
        if request.method == "POST":
            return self._delete(request, address, sessions)
        counts = {
            "conversations": sessions.count(),
            "messages": Message.objects.filter(session__in=sessions.values("pk")).count(),
            "turns": Turn.objects.filter(session__in=sessions.values("pk")).count(),
        }
        return self._owner.page(
            request,
            "admin/sessions_app/chatsession/wallet.html",
            title=f"Wallet {shortened(address)}",
            address=address,
            counts=counts,
            running=sessions.filter(status=ChatSession.Status.PROCESSING).count(),
            sessions=sessions.select_related("app").order_by("-last_active_at")[:SESSIONS_SHOWN],
            may_delete=self._owner.has_delete_permission(request),
        )

    def _delete(self, request: HttpRequest, address: str, sessions: QuerySet[ChatSession]) -> HttpResponse:
        if not self._owner.has_delete_permission(request):
            raise PermissionDenied
        total = 0
        while ids := list(sessions.values_list("pk", flat=True)[:BATCH]):
            self._owner.delete_queryset(request, ChatSession.objects.filter(pk__in=ids))
            total += len(ids)
        WalletChallenge.objects.filter(address=address).delete()
        text = f"All data of wallet {shortened(address)} is deleted: {total} conversation{'' if total == 1 else 's'}."
        _record(request, text)
        self._owner.message_user(request, text, messages.SUCCESS)
        return redirect("admin:sessions_app_chatsession_changelist")


def _record(request: HttpRequest, text: str) -> None:
    """Record who deleted the data, without the address, which must not remain."""
    kind: Any = ContentType.objects.get_for_model(ChatSession)
    user: Any = request.user
    LogEntry.objects.create(
        user_id=user.pk,
        content_type_id=kind.pk,
        object_repr=text[:200],
        action_flag=CHANGE,
        change_message=text,
    )
