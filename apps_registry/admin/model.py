"""The admin pages for language models."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.display import NOTHING, code
from apps_registry.admin.forms.provider import ModelForm
from apps_registry.models import Model


@admin.register(Model)
class ModelAdmin(ConsoleAdmin[Model]):
    """Language models, with the names by which Apps and callers choose them."""

    form = ModelForm
    change_form_template = "admin/apps_registry/model/change_form.html"
    list_display = ("name", "provider", "model_id", "window", "supports_tools", "used_by")
    list_filter = ("provider", "supports_tools")
    list_select_related = ("provider",)
    search_fields = ("name", "provider_model_id")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "provider", "provider_model_id", "context_window", "max_output_tokens")}),
        ("Abilities", {"fields": ("supports_tools", "supports_json")}),
        (
            "Prices",
            {
                "fields": ("prompt_price", "completion_price"),
                "description": "In your own currency. If both are set, the cost of every turn is computed.",
            },
        ),
        ("Requests", {"fields": ("request_options", "request_rules")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        return super().get_queryset(request).prefetch_related("default_of", "alternative_of")

    @admin.display(description="provider's model id", ordering="provider_model_id")
    def model_id(self, model: Model) -> SafeString:
        return code(model.provider_model_id)

    @admin.display(description="context window", ordering="context_window")
    def window(self, model: Model) -> str:
        return f"{model.context_window:,}"

    @admin.display(description="used by")
    def used_by(self, model: Model) -> SafeString | str:
        first = [app.slug for app in model.default_of.all()]
        others = [f"{app.slug} (alternative)" for app in model.alternative_of.all()]
        return ", ".join(sorted(first) + sorted(others)) or NOTHING
