"""Decides which websites' scripts may call the server: https://owasp.org/www-community/attacks/DNS_Rebinding.

Other paths accept calls of every script, and only hide the answers from it. The protocol requires that such calls are
refused, because it was made for servers on the user's own machine.
"""

from collections.abc import Sequence

from django.conf import settings
from rest_framework.request import Request

from apps_registry.support.http.request_sources import OriginNotAllowed
from apps_registry.values import AppConfig

RULE = "origin_of_app"


def apps_for_origin(request: Request, apps: Sequence[AppConfig]) -> Sequence[AppConfig]:
    """Return the Apps that a call may use because of its origin: all of them, unless the origin is another website.

    Raises:
        OriginNotAllowed: none of the Apps allows the website.
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
