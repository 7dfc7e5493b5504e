"""Every URL of the product: the API, the admin and the probes."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from aomi_site.console.favicon import FaviconView
from aomi_site.console.interrupt_view import interrupt_view
from aomi_site.console.live_view import live_view
from aomi_site.console.model_check_view import check_model_view
from aomi_site.console.overview.view import index_view
from aomi_site.console.playground.page_view import playground_view
from aomi_site.console.playground.stream_view import playground_stream_view
from aomi_site.console.search import search_view
from aomi_site.console.settings.view import settings_view
from aomi_site.console.usage.view import usage_view
from aomi_site.health import probes
from apps_registry.support.http.paths import API_PREFIX, LIVE_PREFIX, OPENAI_PREFIX

admin.autodiscover()

handler404 = "chat.doors.errors.not_found"
handler500 = "chat.doors.errors.server_error"

urlpatterns = [
    path(API_PREFIX.removeprefix("/"), include("chat.urls")),
    path(OPENAI_PREFIX.removeprefix("/"), include("chat.doors.openai.urls")),
    path("", include("chat.doors.mcp.urls")),
    path(
        "admin/apps_registry/model/<int:model_id>/check/",
        admin.site.admin_view(check_model_view),
        name="check_model",
    ),
    path(
        "admin/sessions_app/chatsession/<uuid:session_id>/interrupt/",
        admin.site.admin_view(interrupt_view),
        name="interrupt_session",
    ),
    path("admin/apps_registry/app/<int:app_id>/playground/", admin.site.admin_view(playground_view), name="playground"),
    path(
        f"{LIVE_PREFIX.removeprefix('/')}playground/<int:app_id>/",
        playground_stream_view,
        name="playground_stream",
    ),
    path(f"{LIVE_PREFIX.removeprefix('/')}<uuid:session_id>/", live_view, name="live_session"),
    path("admin/search/", admin.site.admin_view(search_view), name="console_search"),
    path("admin/settings/", admin.site.admin_view(settings_view), name="console_settings"),
    path("admin/usage/", admin.site.admin_view(usage_view), name="console_usage"),
    path("admin/", admin.site.admin_view(index_view)),
    path("admin/", admin.site.urls),
    path("livez", probes.live),
    path("readyz", probes.ready),
    path("metrics", probes.metrics),
    path("favicon.ico", FaviconView.as_view()),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
