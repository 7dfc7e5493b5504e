"""The console's pages for providers and models; those for Apps, tools and documents have files of their own."""

import os
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.admin_display import NOTHING, ConsoleAdmin, badge, code
from apps_registry.app_admin import AppAdmin
from apps_registry.document_admin import DocumentAdmin, EmbeddingModelAdmin
from apps_registry.mcp.admin import McpServerAdmin
from apps_registry.models import Model, Provider
from apps_registry.tool_admin import OutboundCallAdmin, ToolAdmin

__all__ = [
    "AppAdmin",
    "DocumentAdmin",
    "EmbeddingModelAdmin",
    "McpServerAdmin",
    "ModelAdmin",
    "OutboundCallAdmin",
    "ProviderAdmin",
    "ToolAdmin",
]


@admin.register(Provider)
class ProviderAdmin(ConsoleAdmin[Provider]):
    """Servers that speak the OpenAI chat completions protocol."""

    list_display = ("slug", "base_url", "api_key", "model_count")
    search_fields = ("slug", "base_url")
    ordering = ("slug",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        """Providers with the number of their models."""
        return super().get_queryset(request).annotate(model_total=Count("models"))

    @admin.display(description="API key")
    def api_key(self, provider: Provider) -> SafeString:
        """Whether the environment variable with the API key is set for this server; never its value."""
        if not provider.api_key_env:
            return badge("none", "not needed")
        found = badge("active", "set") if os.environ.get(provider.api_key_env) else badge("missing")
        return format_html("{} {}", code(provider.api_key_env), found)

    @admin.display(description="models", ordering="model_total")
    def model_count(self, provider: Any) -> int:
        """How many models it offers."""
        return int(provider.model_total)


@admin.register(Model)
class ModelAdmin(ConsoleAdmin[Model]):
    """Language models, under the names by which Apps and callers choose them."""

    list_display = ("name", "provider", "model_id", "window", "supports_tools", "used_by")
    list_filter = ("provider", "supports_tools")
    list_select_related = ("provider",)
    search_fields = ("name", "provider_model_id")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Models with the Apps that use them, in the two queries that a whole list takes."""
        return super().get_queryset(request).prefetch_related("default_of", "alternative_of")

    @admin.display(description="provider's model id", ordering="provider_model_id")
    def model_id(self, model: Model) -> SafeString:
        """What the provider calls it."""
        return code(model.provider_model_id)

    @admin.display(description="context window", ordering="context_window")
    def window(self, model: Model) -> str:
        """Its size in tokens, with thousands set apart."""
        return f"{model.context_window:,}"

    @admin.display(description="used by")
    def used_by(self, model: Model) -> SafeString | str:
        """The Apps that have it as their default or as an alternative."""
        first = [app.slug for app in model.default_of.all()]
        others = [f"{app.slug} (alternative)" for app in model.alternative_of.all()]
        return ", ".join(sorted(first) + sorted(others)) or NOTHING
