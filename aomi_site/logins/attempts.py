"""Logins to the console: failures are counted per user and address, and too many lock that pair for a while.

django-axes does the counting. By address alone, it would lock out everyone behind one proxy; by user alone, anyone
could lock out an operator.
"""

import ipaddress
import logging
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from aomi_site.logins.passwords import PasswordCheckBusy
from aomi_site.serving.proxies import parse_address
from apps_registry.support import database
from apps_registry.support.forever import forever

logger = logging.getLogger("aomi.logins")

TEMPLATE = "admin/login_refused.html"
BUSY_RETRY_SECONDS = 5
PRUNE_SECONDS = 3600.0
PRUNE = "DELETE FROM axes_accessattempt WHERE attempt_time < clock_timestamp() - %s::interval"


class LoginAttempts(AxesDatabaseHandler):  # type: ignore[misc]  # it comes without types
    """Counts failures in one row per user and address, ignoring all other properties of requests."""

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        """Count a failed login; after the fifth within the period, the password is no longer checked."""
        was_locked = request is not None and request.axes_locked_out
        if request is not None:
            request.axes_user_agent = request.axes_http_accept = ""
        super().user_login_failed(sender, credentials, request, **kwargs)
        if request is not None and request.axes_locked_out and not was_locked:
            logger.warning(
                "logins of one user name from %s are locked after too many failures", request.axes_ip_address
            )


@receiver(pre_save, sender=AccessAttempt, dispatch_uid="aomi-login-attempts")
def _drop_form_data(sender: Any, instance: AccessAttempt, **kwargs: Any) -> None:
    """Keep only what counting needs: axes would store everything that was sent except the password."""
    instance.get_data = instance.post_data = ""


def client_address(request: HttpRequest) -> str | None:
    """Return the address that logins are counted under; for IPv6 its /64, since a client controls all of that."""
    address = parse_address(str(request.META.get("REMOTE_ADDR") or ""))
    if address is None:
        return None
    bits = 64 if address.version == 6 else 32
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False).network_address)


def locked_out(request: HttpRequest, original: HttpResponse | None, credentials: Any) -> HttpResponse:
    """Respond to a login that is locked."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    reason = (
        f"Too many failed logins. Try again in {seconds // 60} minutes, or ask another operator to remove the lock."
    )
    return _refusal(request, 429, reason, retry_after=seconds)


class LoginQueueMiddleware(MiddlewareMixin):
    """Responds with 503 if too many passwords are waiting to be hashed."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the refusal; None for other exceptions."""
        if not isinstance(exception, PasswordCheckBusy):
            return None
        reason = "Too many people are logging in. Try again in a few seconds."
        return _refusal(request, 503, reason, retry_after=BUSY_RETRY_SECONDS)


def _refusal(request: HttpRequest, status: int, reason: str, *, retry_after: int) -> HttpResponse:
    response = render(request, TEMPLATE, {"reason": reason}, status=status)
    response.headers["Retry-After"] = str(retry_after)
    response.headers["Cache-Control"] = "no-store"
    return response


async def prune_logins_forever() -> None:
    """Periodically remove expired counts."""
    await forever("prune-logins", _prune, every=PRUNE_SECONDS)


async def _prune() -> None:
    await database.execute(PRUNE, [settings.AXES_COOLOFF_TIME])
