"""Serves an App's page as tabs: Django's change page, once for each tab with the tab's fields."""

from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from apps_registry.admin.app_tabs.tabs import OVERVIEW, TABS, Tab, fields_of
from apps_registry.admin.base import ConsoleAdmin
from apps_registry.models import App, Secret
from apps_registry.releases.content import frozen_fields

TAB_WITHOUT_FORM = "admin/apps_registry/app/tab_page.html"


class AppTabsAdmin(ConsoleAdmin[App]):
    """Splits the change page of AppAdmin into tabs. The page for a new App has all fields."""

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of each tab; the first tab has the URL of Django's change page."""
        guard = self.admin_site.admin_view
        return [
            path(
                f"<int:object_id>/{tab.name}/",
                guard(partial(self._tab_view, tab)),
                name=f"apps_registry_app_{tab.name}",
            )
            for tab in TABS
            if tab is not OVERVIEW
        ] + super().get_urls()

    def _tab_view(self, tab: Tab, request: HttpRequest, object_id: int) -> HttpResponse:
        request.app_tab = tab  # type: ignore[attr-defined]  # the hooks of ModelAdmin get the request only
        response: HttpResponse = self.change_view(request, str(object_id))
        return response

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Refuse tabs that the operator may not see, and forms where there is none."""
        tab = _tab_of(request) if object_id else None
        if tab and not tab.is_open_to(request.user):
            raise PermissionDenied
        if tab and not tab.has_form and request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return super().changeform_view(request, object_id, *args, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: App | None = None) -> Any:
        """Return the fields of the tab, or all of them for a new App."""
        fieldsets = super().get_fieldsets(request, obj)
        return fields_of(_tab_of(request), fieldsets) if obj else fieldsets

    def get_inlines(self, request: HttpRequest, obj: App | None = None) -> Any:
        """Return the inlines of the tab; a new App has none before it is saved."""
        return _tab_of(request).inlines if obj else ()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the list of tabs and the context of this one; its only button saves it."""
        app: App | None = kwargs.get("obj")
        if app is None:
            return super().render_change_form(request, context, *args, **kwargs)
        tab = _tab_of(request)
        context |= {
            "tab": tab,
            "tabs": [_link_to(other, tab, app) for other in TABS if other.is_open_to(request.user)],
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            "show_delete": tab.fieldsets is None and not app.is_default,
            **tab.context(request, app),
        }
        response = super().render_change_form(request, context, *args, **kwargs)
        if not tab.has_form:
            response.template_name = TAB_WITHOUT_FORM
        return response

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Note whether something was changed that releases hold, for `response_change`."""
        super().save_related(request, form, formsets, change)
        rows = [formset for formset in formsets if formset.model is not Secret and formset.has_changed()]
        changes_draft = bool(rows or frozen_fields() & set(form.changed_data))
        request.app_draft_has_changed = changes_draft  # type: ignore[attr-defined]  # response_change gets no form

    def response_change(self, request: HttpRequest, obj: App) -> HttpResponse:
        """Say when callers get the change."""
        response = super().response_change(request, obj)
        if getattr(request, "app_draft_has_changed", False):
            self.tell_of_draft(request, obj)
        return response

    def response_post_save_change(self, request: HttpRequest, obj: App) -> HttpResponseRedirect:
        """Stay on the tab that was saved."""
        if self.has_view_or_change_permission(request, obj):
            return HttpResponseRedirect(request.get_full_path())
        return super().response_post_save_change(request, obj)


def _tab_of(request: HttpRequest) -> Tab:
    return getattr(request, "app_tab", OVERVIEW)


def _link_to(tab: Tab, current: Tab, app: App) -> dict[str, Any]:
    return {"label": tab.label, "url": reverse(tab.url_name, args=[app.pk]), "is_here": tab is current}
