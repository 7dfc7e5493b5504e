"""The console's page of settings: the server's settings, and everything that can be set in the console, by area."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from aomi_site.console.navigation import entries_for
from aomi_site.console.settings.effective import effective_settings


def settings_view(request: HttpRequest) -> HttpResponse:
    """Show the areas with their lists, the lists that belong to none, and the server's settings to superusers."""
    areas = [visible for visible in entries_for(request.user, request.path) if visible.entry.description]
    context = {
        **admin.site.each_context(request),
        "title": "Settings",
        "areas": areas,
        # Paths, hosts and networks of the machine concern only those who may do everything.
        "groups": effective_settings() if request.user.is_superuser else None,
        "more": _more(request, {visible.url for area in areas for visible in (area, *area.parts)}),
    }
    return TemplateResponse(request, "admin/console/settings.html", context)


def _more(request: HttpRequest, known: set[str]) -> list[dict[str, Any]]:
    """Return the lists of the admin that are in no area, such as those of an app that was added."""
    models = [model for app in admin.site.get_app_list(request) for model in app["models"]]
    return [model for model in models if model["admin_url"] and model["admin_url"] not in known]
