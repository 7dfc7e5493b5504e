"""Serves an App's page as tabs: Django's change page, once for each tab with the tab's fields."""

from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from apps_registry.admin.app_tabs.tabs import OVERVIEW, TABS, Tab, fields_of
from apps_registry.admin.base import ConsoleAdmin
from apps_registry.models import App

TAB_WITHOUT_FORM = "admin/apps_registry/app/tab_page.html"


class AppTabsAdmin(ConsoleAdmin[App]):
    """Splits the change page of AppAdmin into tabs. The page for a new App has all fields."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of each tab; the first one has that of Django's change page."""
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
        """Return those of the tab; a new App has none before it is saved."""
        return _tab_of(request).inlines if obj else ()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the tabs and what the tab shows; a tab has one button, which saves it."""
        app: App | None = kwargs.get("obj")
        if app is None:
            return super().render_change_form(request, context, *args, **kwargs)
        tab = _tab_of(request)
        context |= {
            "tab": tab,
            "tabs": [_shown(each, tab, app) for each in TABS if each.is_open_to(request.user)],
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            "show_delete": tab.fieldsets is None and not app.is_default,
            **tab.context(request, app),
        }
        response = super().render_change_form(request, context, *args, **kwargs)
        if not tab.has_form:
            response.template_name = TAB_WITHOUT_FORM
        return response

    def response_post_save_change(self, request: HttpRequest, obj: App) -> HttpResponseRedirect:
        """Stay on the tab that was saved."""
        if self.has_view_or_change_permission(request, obj):
            return HttpResponseRedirect(request.get_full_path())
        return super().response_post_save_change(request, obj)


def _tab_of(request: HttpRequest) -> Tab:
    return getattr(request, "app_tab", OVERVIEW)


def _shown(tab: Tab, current: Tab, app: App) -> dict[str, Any]:
    return {"label": tab.label, "url": reverse(tab.url_name, args=[app.pk]), "is_here": tab is current}
