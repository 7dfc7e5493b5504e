"""The inlines of an App's page: alternative models, tools of its clients, and secrets."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps_registry.admin.display import moment
from apps_registry.admin.forms.app import AlternativesFormSet, SecretForm
from apps_registry.admin.forms.client_tool import ClientToolForm, ClientToolsFormSet
from apps_registry.admin.forms.labelled_rows import LabelledRows
from apps_registry.models import AppModel, Secret, Tool


class AlternativesInline(admin.TabularInline):  # type: ignore[type-arg]
    """The models that a session may choose instead of the default one."""

    model = AppModel
    formset = AlternativesFormSet
    extra = 0
    fields = ("position", "model")
    verbose_name = "alternative model"
    verbose_name_plural = "Alternative models: sessions may choose one of these; lower positions are offered first"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppModel]:
        """Load the models with the rows, in one statement."""
        rows: QuerySet[AppModel] = super().get_queryset(request).select_related("model")
        return rows


class ClientToolsInline(admin.StackedInline):  # type: ignore[type-arg]
    """The tools that the App declares for its clients to run."""

    model = Tool
    form = ClientToolForm
    formset = ClientToolsFormSet
    extra = 0
    fields = ("name", "description", "parameters", "is_enabled")
    verbose_name = "client tool"
    verbose_name_plural = "Tools that clients run: the turn waits until the caller's program has answered"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tool]:
        return super().get_queryset(request).filter(kind=Tool.Kind.CLIENT)


class SecretsInline(admin.TabularInline):  # type: ignore[type-arg]
    """The secrets of an App; their values are never shown."""

    model = Secret
    form = SecretForm
    formset = LabelledRows
    extra = 0
    fields = ("name", "value", "hosts", "updated")
    readonly_fields = ("updated",)
    verbose_name = "secret"
    verbose_name_plural = (
        "Secrets: tools send them as {{ secrets.NAME }}, each only to its hosts; stored encrypted and never shown"
    )

    @admin.display(description="last set")
    def updated(self, secret: Secret) -> SafeString:
        return moment(secret.updated_at)
