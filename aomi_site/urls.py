"""Every URL of the product: the API, the admin and the probes."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from aomi_site import probes

handler404 = "chat.errors.not_found"
handler500 = "chat.errors.server_error"

urlpatterns = [
    path("api/", include("chat.urls")),
    path("admin/", admin.site.urls),
    path("livez", probes.live),
    path("readyz", probes.ready),
    path("metrics", probes.metrics),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
