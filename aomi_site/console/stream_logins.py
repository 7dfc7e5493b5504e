"""Logins of operators on the event loop, where the console's streams are: there the admin's middleware does not run."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

# How long an operator who may no longer look still gets events.
RECHECK_SECONDS = 5.0


def login_of(request: HttpRequest) -> str:
    """Return the cookie that names the operator's login; empty without one."""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def operator_of(login: str) -> Any:
    """Return the operator of a login, now; None if it has ended, or is not one of an operator. Reads the database."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(login or None)
    user: Any = get_user(request)
    return user if user.is_active and user.is_staff else None


def csrf_refusal(request: HttpRequest) -> HttpResponseBase | None:
    """Return the admin's answer to a request that another site may have made; None if the operator's page made it."""
    check = CsrfViewMiddleware(_unused)
    check.process_request(request)
    refusal: HttpResponseBase | None = check.process_view(request, _unused, (), {})
    return refusal


def _unused(_request: HttpRequest) -> HttpResponseBase:
    raise AssertionError
