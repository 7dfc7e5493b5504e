"""Logins of operators for the console's streams: these run on the event loop, without the admin's middleware."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

# Streams of an operator who has lost the permission end after at most this time.
RECHECK_SECONDS = 5.0


def login_of(request: HttpRequest) -> str:
    """Return the cookie that names the operator's login; empty if there is none."""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def operator_of(login: str) -> Any:
    """Return the operator of a login; None if it has ended or its user is not an operator. Reads the database."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(login or None)
    user: Any = get_user(request)
    return user if user.is_active and user.is_staff else None


def csrf_refusal(request: HttpRequest) -> HttpResponseBase | None:
    """Return the admin's refusal of a request that another site may have made; None if the console made it."""
    check = CsrfViewMiddleware(_unused)
    check.process_request(request)
    refusal: HttpResponseBase | None = check.process_view(request, _unused, (), {})
    return refusal


def _unused(_request: HttpRequest) -> HttpResponseBase:
    raise AssertionError
