"""What settings.py makes of the environment, where that takes more than a line."""

import os
import secrets
import warnings
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


def local_secret_key(data_dir: Path) -> str:
    """Return the data folder's secret key, making it (readable by its owner only) when there is none.

    Args:
        data_dir: the folder that holds everything this machine keeps.

    Raises:
        ImproperlyConfigured: the folder cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return _read_or_make(data_dir / "secret_key")
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used: {error.strerror}. AOMI_DATA_DIR may name another."
        ) from error


def postgres_address(env: environ.Env) -> Any:
    """Return Django's settings for the database that DATABASE_URL names.

    Raises:
        ImproperlyConfigured: it is not the address of a PostgreSQL. Its text is not repeated: it holds a password.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would print the address, password and all
            database = env.db_url("DATABASE_URL")
    except (ValueError, KeyError, ImproperlyConfigured):
        database = {}
    if database.get("ENGINE") != "django.db.backends.postgresql" or not database.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL is not a PostgreSQL address; it looks like postgresql://user:password@host:5432/name."
        )
    return database


def _read_or_make(path: Path) -> str:
    draft = path.with_name(f".secret_key-{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)  # fails when another process was first, which then holds the key of both
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
