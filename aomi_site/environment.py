"""What settings.py makes of the environment, where that takes more than a line."""

import math
import os
import secrets
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

ON, OFF = frozenset({"on", "true", "yes", "1"}), frozenset({"off", "false", "no", "0"})


class Environment(environ.Env):  # type: ignore[misc]  # it comes without types
    """The environment, of which no misspelt value is taken for another one. An empty one is not set."""

    def switch(self, name: str) -> bool:
        """Return whether a setting is on; by default it is not.

        Raises:
            ImproperlyConfigured: it says neither on nor off.
        """
        text = str(self.str(name, default="")).strip().lower()
        if text and text not in ON | OFF:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be 'on' or 'off'.")
        return text in ON

    def whole_number(self, name: str, default: int, *, minimum: int = 1) -> int:
        """Return a whole number.

        Raises:
            ImproperlyConfigured: it is none, or less than the minimum.
        """
        text = str(self.str(name, default="")).strip()
        number = int(text) if text.isascii() and text.isdecimal() else default if not text else -1
        if number < minimum:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number, at least {minimum}.")
        return number

    def seconds(self, name: str, default: float, *, minimum: float = 0.1) -> float:
        """Return a number of seconds.

        Raises:
            ImproperlyConfigured: it is no number, or less than the minimum.
        """
        text = str(self.str(name, default="")).strip()
        try:
            number = float(text or default)
        except ValueError:
            number = math.nan
        if not minimum <= number < math.inf:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be a number of seconds, at least {minimum:g}.")
        return number


def local_secret_key(data_dir: Path) -> str:
    """Return the data folder's secret key, making it (readable by its owner only) when there is none.

    Args:
        data_dir: the folder that holds everything this machine keeps.

    Raises:
        ImproperlyConfigured: the folder cannot be written.
    """
    return _local_file(data_dir, "secret_key", lambda: secrets.token_urlsafe(50))


def local_secrets_key(data_dir: Path) -> str:
    """Return the key that the data folder's secrets are encrypted under, as `local_secret_key` does."""
    return _local_file(data_dir, "secrets_key", lambda: Fernet.generate_key().decode())


def check_secrets_keys(keys: Sequence[str]) -> None:
    """Refuse keys that cannot encrypt; their text is not repeated.

    Raises:
        ImproperlyConfigured: one is not 32 bytes in URL-safe base64.
    """
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise ImproperlyConfigured(
            "SECRETS_KEYS holds something that is no key. Make one with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from None


def _local_file(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return _read_or_make(data_dir / name, make)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used: {error.strerror}. AOMI_DATA_DIR may name another."
        ) from error


def postgres_address(env: environ.Env, name: str = "DATABASE_URL") -> Any:
    """Return Django's settings for the database that a setting names.

    Raises:
        ImproperlyConfigured: it is not the address of a PostgreSQL. Its text is not repeated: it holds a password.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would print the address, password and all
            database = env.db_url(name)
    except (ValueError, KeyError, ImproperlyConfigured):
        database = {}
    if database.get("ENGINE") != "django.db.backends.postgresql" or not database.get("NAME"):
        raise ImproperlyConfigured(
            f"{name} is not a PostgreSQL address; it looks like postgresql://user:password@host:5432/name."
        )
    return database


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(draft, path)  # fails when another process was first, which then holds the key of both
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
