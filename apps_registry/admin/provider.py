"""The admin pages for model providers."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.display import badge, code
from apps_registry.admin.forms.provider import ProviderForm
from apps_registry.credentials.provider_key import NoProviderKey
from apps_registry.models import Provider
from apps_registry.provider_rules.profiles import PROFILES


@admin.register(Provider)
class ProviderAdmin(ConsoleAdmin[Provider]):
    """Servers with the OpenAI chat completions API."""

    form = ProviderForm
    change_form_template = "admin/apps_registry/provider/change_form.html"
    list_display = ("slug", "kind", "base_url", "api_key", "model_count")
    search_fields = ("slug", "base_url")
    ordering = ("slug",)
    readonly_fields = ("key_state", "about_profile")
    fieldsets = (
        (None, {"fields": ("slug", "profile", "about_profile", "base_url")}),
        (
            "Key",
            {
                "fields": ("key_state", "api_key", "forget_key", "api_key_env"),
                "description": "Sent as a bearer token, or in the way of the profile. A new base URL needs a new key.",
            },
        ),
        (
            "Requests",
            {
                "fields": ("headers", "max_concurrent", "first_token_seconds", "gap_seconds"),
                "classes": ("collapse",),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Provider | None = None) -> Any:
        """Hide the key state of a new provider, and the deletion of a key where none is stored."""
        if obj and obj.api_key_token:
            return self.fieldsets
        (none, identity), (title, options), *rest = self.fieldsets
        first = (none, identity if obj else {"fields": ("slug", "profile", "base_url")})
        shown = ("key_state", "api_key", "api_key_env") if obj else ("api_key", "api_key_env")
        return [first, (title, {**options, "fields": shown}), *rest]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in the values of the chosen profile: /admin/apps_registry/provider/add/?profile=openai."""
        profile = PROFILES.get(request.GET.get("profile", ""))
        if profile is None:
            return super().get_changeform_initial_data(request)
        known = {"slug": profile.key, "base_url": profile.base_url, "api_key_env": profile.key_variable}
        return {**known, **super().get_changeform_initial_data(request)}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Show the profiles above the form."""
        picked = PROFILES.get(request.GET.get("profile", ""))
        context = {"profiles": list(PROFILES.values()), "picked": picked, **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        return super().get_queryset(request).annotate(model_total=Count("models"))

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Save the provider, then its key, which is bound to its id; warn if the key is missing."""
        super().save_model(request, obj, form, change)
        form.save_key()
        try:
            obj.key.value()
        except NoProviderKey as error:
            text = f"“{obj}” cannot be called: {error}."
            self.message_user(request, text, messages.WARNING)

    @admin.display(description="kind", ordering="profile")
    def kind(self, provider: Provider) -> str:
        """The profile that was chosen, or the one that matches the address."""
        return provider.known_profile.title

    @admin.display(description="rules")
    def about_profile(self, provider: Provider) -> SafeString:
        """How to set up this kind of provider, the rules for its requests, and their sources."""
        profile = provider.known_profile
        rules = json.dumps(profile.rules.as_json()) if profile.rules.as_json() else "none"
        links = format_html_join(" ", '<a href="{}" rel="noreferrer">{}</a>', ((url, url) for url in profile.sources))
        known = format_html("{}. {} Rules for requests: {}.", profile.title, profile.hint, code(rules))
        return format_html("{}<br>{}", known, links) if profile.sources else known

    @admin.display(description="API key")
    def api_key(self, provider: Provider) -> SafeString:
        """Where the key is stored and whether it can be read; never its value."""
        if not provider.api_key_env and not provider.api_key_token:
            return badge("none", "not needed")
        source = "stored" if provider.api_key_token else code(provider.api_key_env)
        try:
            provider.key.value()
        except NoProviderKey:
            return format_html("{} {}", source, badge("missing", "unreadable" if provider.api_key_token else "missing"))
        return format_html("{} {}", source, badge("active", "set"))

    @admin.display(description="current key")
    def key_state(self, provider: Provider) -> SafeString | str:
        """Like `api_key`, with a description of the problem."""
        try:
            provider.key.value()
        except NoProviderKey as error:
            return format_html("{} Turns with its models fail: {}.", self.api_key(provider), error)
        return self.api_key(provider)

    @admin.display(description="models", ordering="model_total")
    def model_count(self, provider: Any) -> int:
        return int(provider.model_total)
