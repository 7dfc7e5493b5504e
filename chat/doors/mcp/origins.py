"""Which websites' scripts may call the server at all: https://owasp.org/www-community/attacks/DNS_Rebinding.

Other paths let every script call, and only hide answers from it. The protocol wants such calls refused, because it was
made for servers on the user's own machine.
"""

from collections.abc import Sequence

from django.conf import settings
from rest_framework.request import Request

from apps_registry.support.http.request_sources import OriginNotAllowed
from apps_registry.values import AppConfig

RULE = "origin_of_app"


def apps_for_origin(request: Request, apps: Sequence[AppConfig]) -> Sequence[AppConfig]:
    """Return the Apps that a call may use from where it comes: all of them, unless it names another website.

    Raises:
        OriginNotAllowed: it comes from a website that none of the Apps allows.
    """
    origin = request.headers.get("Origin")
    if origin is None or settings.CORS_ALLOW_ALL_ORIGINS or origin in settings.CORS_ALLOWED_ORIGINS:
        return apps
    if origin == f"{request.scheme}://{request.get_host()}":
        return apps
    allowed = [app for app in apps if origin in app.allowed_origins]
    if not allowed:
        raise OriginNotAllowed(RULE)
    return allowed
