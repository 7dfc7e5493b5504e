"""The console's page of the fuse: its state, and the buttons that pull and reset it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone

from apps_registry.admin.base import ConsoleAdmin
from keys.limits.fuse import pull_fuse, read_fuse, reset_fuse
from keys.limits.values import KEYLESS
from keys.models import FuseState

HOURS = (("", "until I reset it"), ("1", "for an hour"), ("24", "for a day"))


class PullForm(forms.Form):
    """The time for which the fuse is pulled."""

    hours = forms.ChoiceField(choices=HOURS, required=False, label="Pull it")


@admin.register(FuseState)
class FuseAdmin(ConsoleAdmin[FuseState]):
    """The fuse has one page and no list, with permissions of its own to view and to change it."""

    def get_urls(self) -> list[URLPattern]:
        """The page, under the name that the console's menu links to."""
        return [path("", self.admin_site.admin_view(self.fuse_view), name="keys_fusestate_changelist")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def fuse_view(self, request: HttpRequest) -> HttpResponse:
        """Show the fuse (GET), or pull or reset it (POST)."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        form = PullForm(request.POST or None)
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            if form.is_valid():
                self._change(request, form)
                return redirect("admin:keys_fusestate_changelist")
        can_change = self.has_change_permission(request)
        context: dict[str, Any] = {"fuse": read_fuse(), "form": form, "can_change": can_change}
        return self.page(request, "admin/keys/fuse.html", title="Fuse of callers without a key", **context)

    def _change(self, request: HttpRequest, form: PullForm) -> None:
        if "reset" in request.POST:
            reset_fuse()
            message = "The fuse is closed: callers without a key are served again."
        else:
            hours = form.cleaned_data["hours"]
            pull_fuse(timezone.now() + timedelta(hours=int(hours)) if hours else None)
            message = "The fuse is pulled: calls without a key that start a turn or create a session are refused."
        self.log_change(request, FuseState(subject=KEYLESS), message)
        self.message_user(request, message, messages.SUCCESS)
