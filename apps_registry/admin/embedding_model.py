"""The console's pages for embedding models."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps_registry.admin.display import NOTHING, ConsoleAdmin, code
from apps_registry.models import EmbeddingModel


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(ConsoleAdmin[EmbeddingModel]):
    """Models that turn text into vectors. What their vectors depend on stays as it is once they exist."""

    list_display = ("name", "server", "model_id", "dimensions", "used_by")
    list_select_related = ("provider",)
    search_fields = ("name", "provider_model_id")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingModel]:
        """Models with the Apps that use them."""
        return super().get_queryset(request).prefetch_related("apps")

    def get_readonly_fields(self, request: HttpRequest, obj: EmbeddingModel | None = None) -> tuple[str, ...]:
        """Vectors of another model or length do not compare: make another row for it."""
        return ("provider", "provider_model_id", "dimensions") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A new one is a provider's; the embedded one is there already."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.required = True
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A provider's model has an id there."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "provider_model_id":
            field.required = True
        return field

    @admin.display(description="server", ordering="provider")
    def server(self, model: EmbeddingModel) -> str:
        """Who computes the vectors."""
        return str(model.provider) if model.provider else "embedded: this server"

    @admin.display(description="provider's model id", ordering="provider_model_id")
    def model_id(self, model: EmbeddingModel) -> SafeString:
        """What the provider calls it."""
        return code(model.provider_model_id)

    @admin.display(description="used by")
    def used_by(self, model: EmbeddingModel) -> str | SafeString:
        """The Apps whose documents it finds."""
        return ", ".join(sorted(app.slug for app in model.apps.all())) or NOTHING

    def has_delete_permission(self, request: HttpRequest, obj: EmbeddingModel | None = None) -> bool:
        """The embedded one stays."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.provider is not None)
