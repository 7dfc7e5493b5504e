"""The admin pages for Apps."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from django import forms
from django.apps import apps as registered
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from apps_registry.admin.app_file_pages import AppFilePages
from apps_registry.admin.app_tabs.fieldsets import FIELDSETS, folded
from apps_registry.admin.app_tabs.pages import AppTabsAdmin
from apps_registry.admin.base import deletion_summary
from apps_registry.admin.default_app_pages import DefaultAppPages
from apps_registry.admin.display import NOTHING, badge, moment
from apps_registry.admin.documents.line import documents_line
from apps_registry.admin.forms.app import AppForm
from apps_registry.admin.openapi_pages import OpenApiPages
from apps_registry.admin.release_pages import ReleasePages
from apps_registry.models import App, Tool
from apps_registry.services.default_app import suggested_model


@admin.register(App)
class AppAdmin(AppTabsAdmin):
    """Apps with their model, tools, secrets, documents, releases and keys, in tabs (see app_tabs/tabs.py)."""

    form = AppForm
    actions = ("make_default_action",)
    list_display = ("slug", "name", "state", "default_model", "tool_count", "key_count", "session_count")
    list_display_links = ("slug", "name")
    list_filter = ("is_active", "default_model")
    list_select_related = ("default_model",)
    search_fields = ("slug", "name")
    ordering = ("-is_default", "slug")
    readonly_fields = ("standing", "documents", "created", "updated")
    change_list_template = "admin/apps_registry/app/change_list.html"
    change_form_template = "admin/apps_registry/app/change_form.html"
    delete_confirmation_template = "admin/apps_registry/app/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/apps_registry/app/delete_selected_confirmation.html"
    fieldsets = FIELDSETS

    def get_queryset(self, request: HttpRequest) -> QuerySet[App]:
        """Add the counts of the list as subqueries, since joins would multiply them; other pages do not show them."""
        apps = super().get_queryset(request)
        if not is_list(request):
            return apps.select_related("default_model", "live_release", "embedding_model")
        return apps.annotate(
            tool_total=_count("tools", Q(tools__is_enabled=True)),
            key_total=_count("keys", Q(keys__in=_usable_keys())),
            session_total=_count("sessions"),
        )

    @admin.display(description="state", ordering="is_active")
    def state(self, app: App) -> SafeString:
        activity = badge("active") if app.is_active else badge("inactive")
        return format_html("{} {}", badge("default"), activity) if app.is_default else activity

    @admin.display(description="tools", ordering="tool_total")
    def tool_count(self, app: Any) -> SafeString | int:
        """Number of enabled tools, and whether the model can call them."""
        if app.tool_total and not app.default_model.supports_tools:
            return format_html('{} <span class="aomi-sub">not called</span>', app.tool_total)
        return int(app.tool_total)

    @admin.display(description="usable keys", ordering="key_total")
    def key_count(self, app: Any) -> int:
        """Number of keys that are neither revoked nor expired."""
        return int(app.key_total)

    @admin.display(description="sessions", ordering="session_total")
    def session_count(self, app: Any) -> int:
        return int(app.session_total)

    @admin.display(description="default App")
    def standing(self, app: App) -> SafeString | str:
        if app.is_default:
            return format_html("{} Callers use it without a key. It cannot be turned off or deleted.", badge("default"))
        return "No: callers need a key."

    @admin.display(description="documents")
    def documents(self, app: App) -> SafeString | str:
        return documents_line(app) if app.pk else NOTHING

    @admin.display(description="created")
    def created(self, app: App) -> SafeString:
        return moment(app.created_at)

    @admin.display(description="last changed")
    def updated(self, app: App) -> SafeString:
        return moment(app.updated_at)

    @admin.display(description="built-in tools")
    def builtin_tools(self, app: App) -> SafeString:
        """The enabled ones, for operators who may only view."""
        names = app.tools.filter(is_enabled=True, kind=Tool.Kind.BUILTIN).values_list("name")
        return format_html_join(" ", '<code class="aomi-code">{}</code>', names) or NOTHING

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> tuple[str, ...]:
        """Fix the slug once the App exists, since callers depend on it."""
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: App | None = None) -> Any:
        """Return those of the tab. For a new App, collapse those with good defaults, and hide what needs an App."""
        shown = super().get_fieldsets(request, obj)
        return [(title, folded(title, options, is_new=obj is None)) for title, options in shown]

    def get_prepopulated_fields(self, request: HttpRequest, obj: App | None = None) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ("name",)}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Preselect the most likely model for a new App."""
        return {"default_model": suggested_model(), **super().get_changeform_initial_data(request)}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> App | None:
        """Lock the App while a form is saved, so that the default App cannot change in between."""
        app = super().get_object(request, object_id, from_field)
        if app and request.method == "POST":
            return App.objects.select_for_update(no_key=True).filter(pk=app.pk).first()
        return app

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "builtin_tools" in form.fields:
            form.save_tools()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "preamble":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 12, "cols": 90, "class": "vLargeTextField"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Keep secrets out of error reports."""
        return super().changeform_view(request, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that change the default App, and the pages for App files, releases and OpenAPI imports."""
        return [
            *DefaultAppPages(self).urls(),
            *AppFilePages(self).urls(),
            *ReleasePages(self).urls(),
            *OpenApiPages(self).urls(),
            *super().get_urls(),
        ]

    @admin.action(description="Make this the default App", permissions=["change"])
    def make_default_action(self, request: HttpRequest, queryset: QuerySet[App]) -> HttpResponse | None:
        """Redirect to the page that explains the change and asks for confirmation."""
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            return redirect("admin:apps_registry_app_make_default", chosen[0].pk)
        self.message_user(request, "Choose one App: there is exactly one default App.", messages.ERROR)
        return None

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Count the rows that are deleted with the Apps; the default App is protected."""
        apps = list(objs)
        names, counts, lacking, _ = deletion_summary(
            request,
            apps,
            {"Apps": len(apps), **_belongings(apps)},
            {"sessions": "sessions_app.delete_chatsession", "documents": "apps_registry.delete_document"},
        )
        return names, counts, lacking, [str(app) for app in apps if app.is_default]

    def delete_model(self, request: HttpRequest, obj: App) -> None:
        self.delete_queryset(request, App.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[App]) -> None:
        """Delete the Apps except the default App, even if an App has just become the default."""
        # First lock all Apps, in the order of make_default; then lock the doomed rows against new child rows.
        list(App.objects.select_for_update(no_key=True).order_by("pk"))
        doomed = App.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)), is_default=False)
        for app in doomed.select_for_update():
            deque(app.sessions.select_for_update().values_list("pk").iterator(), maxlen=0)
        doomed.delete()


def is_list(request: HttpRequest) -> bool:
    """Tell whether a request is for the list of Apps."""
    return request.resolver_match is not None and request.resolver_match.url_name == "apps_registry_app_changelist"


def _count(relation: str, condition: Q | None = None) -> Subquery:
    outer_app = App.objects.filter(pk=OuterRef("pk")).order_by().values("pk")
    return Subquery(outer_app.annotate(total=Count(relation, filter=condition)).values("total"))


def _usable_keys() -> QuerySet[Any]:
    """Return the usable App keys. Their model is in a higher layer, so it cannot be imported here."""
    usable: QuerySet[Any] = registered.get_model("keys", "AppKey").objects.usable()
    return usable


def _belongings(apps: list[App]) -> dict[str, int]:
    chosen = App.objects.filter(pk__in=[app.pk for app in apps])
    return {name: chosen.aggregate(total=Count(name))["total"] for name in ("sessions", "turns", "documents")}
