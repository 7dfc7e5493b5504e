"""The database at start-up: reachable, migrated, with an operator."""

import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

OPERATOR_NAME = "admin"


def connect() -> None:
    """Connect to the database, starting the embedded one if it is configured.

    Raises:
        CommandError: it cannot be used; one sentence, with the address but without the password.
    """
    try:
        connection.ensure_connection()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(_unreachable(error)) from error


def migrate() -> None:
    """Apply migrations without output.

    Raises:
        CommandError: the database refused one; the message has the first line of its error.
    """
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        raise CommandError(f"The database could not be migrated: {str(error).splitlines()[0]}.") from error


def ensure_operator() -> str | None:
    """Create an operator account if there is none, and return its password; otherwise return None.

    The password is not stored; only its hash is.
    """
    users = get_user_model()
    if users.objects.filter(is_superuser=True, is_active=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    user, _ = users.objects.get_or_create(username=OPERATOR_NAME)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    return password


def _unreachable(error: DatabaseError) -> str:
    values = settings.DATABASES["default"]
    # libpq's first line is 'connection failed: connection to server at "…", port … failed: <reason>'.
    reason = str(error).splitlines()[0].rsplit("failed: ", 1)[-1].strip().rstrip(".")
    if password := values.get("PASSWORD"):
        reason = reason.replace(password, "***")
    address = f"{values.get('HOST') or 'localhost'}:{values.get('PORT') or 5432}"
    return f"PostgreSQL at {address} (from DATABASE_URL) cannot be used: {reason}."
