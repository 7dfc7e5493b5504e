"""The console's button that interrupts a turn."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from chat.turns.interrupts import interrupt
from sessions_app.models import ChatSession
from sessions_app.store import store
from sessions_app.values import Session


@require_POST
def interrupt_view(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Stop the turn of a session, as `POST /api/interrupt` does; aomi_site/urls.py requires the admin login."""
    if not request.user.has_perm("sessions_app.change_chatsession"):
        raise PermissionDenied
    before = async_to_sync(_interrupt)(session_id)
    if before is None:
        raise Http404
    if before.running_turn is None:
        messages.info(request, "No turn was running.")
    else:
        _record(request, session_id)
        messages.success(request, "The turn is interrupted; what it had written is kept.")
    return redirect("admin:sessions_app_chatsession_change", session_id)


async def _interrupt(session_id: UUID) -> Session | None:
    """Interrupt the turn; return the session as it was before, None if there is none."""
    session = await store.load(session_id)
    if session is not None:
        await interrupt(session)
    return session


def _record(request: HttpRequest, session_id: UUID) -> None:
    user: Any = request.user
    LogEntry.objects.create(
        user_id=user.pk,
        content_type_id=ContentType.objects.get_for_model(ChatSession).pk,
        object_id=str(session_id),
        object_repr=str(session_id),
        action_flag=CHANGE,
        change_message="Interrupted a turn.",
    )
