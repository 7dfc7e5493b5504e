"""The console's pages of canary keys: make one, and see whether it was used."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_variables

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.display import NOTHING, badge, code, moment
from keys.canaries import make_canary
from keys.models import BY_COMMAND, CanaryKey


class NewCanaryForm(forms.Form):
    """The operator's choices for a new canary key."""

    label = forms.CharField(max_length=100, help_text=CanaryKey._meta.get_field("label").help_text)
    slug = forms.CharField(
        max_length=40,
        label="Readable part",
        help_text="What the key begins with after sk-. The slug of an App that would interest an intruder works best.",
    )


@admin.register(CanaryKey)
class CanaryKeyAdmin(ConsoleAdmin[CanaryKey]):
    """Canary keys. Only the label can be changed; once deleted, a canary key is an unknown key."""

    fields = ("key", "label", "state", "uses", "made", "maker")
    readonly_fields = ("key", "state", "uses", "made", "maker")
    list_display = ("key", "label", "state", "uses", "made", "maker")
    list_display_links = ("key", "label")
    list_select_related = ("created_by",)
    search_fields = ("label", "prefix")
    ordering = ("-created_at",)

    @admin.display(description="key", ordering="prefix")
    def key(self, canary: CanaryKey) -> SafeString:
        """The beginning of the key, for recognising it."""
        return code(f"{canary.prefix}…")

    @admin.display(description="status", ordering="last_used_at")
    def state(self, canary: CanaryKey) -> SafeString:
        """Whether it was used, and the last use."""
        if canary.last_used_at is None:
            return badge("quiet", "not used")
        return format_html("{} {} from {}", badge("failed", "used"), moment(canary.last_used_at), canary.last_used_from)

    @admin.display(description="uses", ordering="use_count")
    def uses(self, canary: CanaryKey) -> SafeString | str:
        """How often it was used, with a link to the refused calls."""
        if not canary.use_count:
            return NOTHING
        return format_html(
            '<a href="{}?rule=key_canary">{}</a>', reverse("admin:keys_refusal_changelist"), canary.use_count
        )

    @admin.display(description="made", ordering="created_at")
    def made(self, canary: CanaryKey) -> SafeString:
        """When it was made."""
        return moment(canary.created_at)

    @admin.display(description="made by", ordering="created_by")
    def maker(self, canary: CanaryKey) -> str:
        """The operator who made it."""
        return str(canary.created_by or BY_COMMAND)

    @sensitive_variables("plain")
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask where it will be planted (GET), then make it and show it once, in this response (POST)."""
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)  # refuses
        form = NewCanaryForm(request.POST or None)
        if form.is_valid():
            try:
                canary, plain = make_canary(
                    label=form.cleaned_data["label"],
                    slug=form.cleaned_data["slug"],
                    created_by=request.user if request.user.is_authenticated else None,
                )
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                self.log_addition(request, canary, [{"added": {}}])
                return self._made_page(request, canary, plain)
        return self.page(request, "admin/keys/canarykey/make.html", title="Make a canary key", form=form)

    @sensitive_variables("plain")
    def _made_page(self, request: HttpRequest, canary: CanaryKey, plain: str) -> HttpResponse:
        template, title = "admin/keys/canarykey/made.html", "Copy the canary key now"
        return self.page(request, template, title=title, canary=canary, plain=plain)
