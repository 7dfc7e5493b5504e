"""`/favicon.ico`, which browsers request for pages without an icon of their own."""

from typing import Any

from django.templatetags.static import static
from django.views.generic import RedirectView


class FaviconView(RedirectView):
    http_method_names = ["get", "head", "options"]

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        """Return the logo's URL among the static files."""
        return static("aomi/logo.svg")
