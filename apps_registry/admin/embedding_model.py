"""The admin pages for embedding models."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.display import NOTHING, code
from apps_registry.models import EmbeddingModel
from apps_registry.retrieval.analysis.languages import LANGUAGE_NAMES


def _check_languages(names: list[str]) -> None:
    if unknown := sorted({*names} - LANGUAGE_NAMES):
        known = ", ".join(sorted(LANGUAGE_NAMES))
        raise ValidationError(f"There is no language {unknown[0]!r} that search can tell. Languages: {known}.")


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(ConsoleAdmin[EmbeddingModel]):
    """Embedding models. The fields that determine their vectors cannot change once a model is saved."""

    list_display = ("name", "server", "model_id", "dimensions", "used_by")
    list_select_related = ("provider",)
    search_fields = ("name", "provider_model_id")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingModel]:
        return super().get_queryset(request).prefetch_related("apps")

    def get_readonly_fields(self, request: HttpRequest, obj: EmbeddingModel | None = None) -> tuple[str, ...]:
        """Fix these fields: vectors of another model or length cannot be compared with the stored ones."""
        fixed = ("provider", "provider_model_id", "dimensions") if obj else ()
        return (*fixed, "languages") if obj and obj.provider is None else fixed

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Require a provider for new models; the embedded model already exists."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.required = True
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Require the provider's id of the model."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "provider_model_id":
            field.required = True
        if field is not None and db_field.name == "languages":
            field.validators.append(_check_languages)
        return field

    @admin.display(description="server", ordering="provider")
    def server(self, model: EmbeddingModel) -> str:
        return str(model.provider) if model.provider else "embedded: this server"

    @admin.display(description="provider's model id", ordering="provider_model_id")
    def model_id(self, model: EmbeddingModel) -> SafeString:
        return code(model.provider_model_id)

    @admin.display(description="used by")
    def used_by(self, model: EmbeddingModel) -> str | SafeString:
        return ", ".join(sorted(app.slug for app in model.apps.all())) or NOTHING

    def has_delete_permission(self, request: HttpRequest, obj: EmbeddingModel | None = None) -> bool:
        """Refuse to delete the embedded model."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.provider is not None)
