"""`/favicon.ico`, which browsers ask for on pages that name no icon."""

from typing import Any

from django.templatetags.static import static
from django.views.generic import RedirectView


class FaviconView(RedirectView):
    """Sends them to the logo."""

    http_method_names = ["get", "head", "options"]

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        """Return the logo's address among the static files."""
        return static("aomi/logo.svg")
