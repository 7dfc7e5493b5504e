"""Reads from the environment those settings that take more than one line in settings.py.

django-environ reads the values. We check them ourselves, so that a message names the variable and never quotes a URL
with its password, as pydantic-settings does by default.
"""

import math
import os
import re
import secrets
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from aomi_site.serving.proxies import Network, parse_proxies
from apps_registry.support.http.origins import origin_of

OPENAI_URL = "https://api.openai.com/v1"

# Variables that earlier versions read, and what operators who still set one must do.
RETIRED = {
    "PROXY_PROTO_HEADER": "name the address of your proxy in TRUSTED_PROXIES, and have it send X-Forwarded-Proto.",
}

ON, OFF = frozenset({"on", "true", "yes", "1"}), frozenset({"off", "false", "no", "0"})


class Environment(environ.Env):  # type: ignore[misc]  # it comes without types
    """The environment. Misspelt values are errors, never treated as other values. An empty variable counts as unset."""

    def switch(self, name: str) -> bool:
        """Return whether a setting is on; the default is off.

        Raises:
            ImproperlyConfigured: the value means neither on nor off.
        """
        text = str(self.str(name, default="")).strip().lower()
        if text and text not in ON | OFF:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be 'on' or 'off'.")
        return text in ON

    def whole_number(self, name: str, default: int, *, minimum: int = 1, maximum: int | None = None) -> int:
        """Return a whole number.

        Raises:
            ImproperlyConfigured: it is not a whole number, less than the minimum, or more than the maximum.
        """
        text = str(self.str(name, default="")).strip()
        number = int(text) if text.isascii() and text.isdecimal() else default if not text else -1
        if number < minimum:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number, at least {minimum}.")
        if maximum is not None and number > maximum:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be at most {maximum}.")
        return number

    def proxies(self, name: str) -> frozenset[Network | str]:
        """Return the proxies in a list; the default is none.

        Raises:
            ImproperlyConfigured: an entry is not an address, a network or `unix`.
        """
        try:
            return parse_proxies([entry.strip() for entry in self.list(name, default=[])])
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} contains {error.args[0]!r}; each entry must be an address, a network such as 10.0.0.0/8 "
                "(without host bits), or 'unix'."
            ) from None

    def seconds(self, name: str, default: float, *, minimum: float = 0.1) -> float:
        """Return a number of seconds.

        Raises:
            ImproperlyConfigured: it is not a number, or less than the minimum.
        """
        text = str(self.str(name, default="")).strip()
        try:
            number = float(text or default)
        except ValueError:
            number = math.nan
        if not minimum <= number < math.inf:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be a number of seconds, at least {minimum:g}.")
        return number

    def key_variables(self, name: str) -> frozenset[tuple[str, str]]:
        """Return pairs of an environment variable and an origin that may receive its value.

        Raises:
            ImproperlyConfigured: an entry is not NAME=origin.
        """
        pairs = set()
        for entry in self.list(name, default=[]) or [f"OPENAI_API_KEY={self._openai_address()}"]:
            variable, _, address = str(entry).strip().partition("=")
            try:
                pairs.add((_variable(variable.strip()), origin_of(address.strip())))
            except ValueError:
                raise ImproperlyConfigured(
                    f"{name} contains {str(entry)!r}; an entry has the form OPENAI_API_KEY=https://api.openai.com."
                ) from None
        return frozenset(pairs)

    def _openai_address(self) -> str:
        """Return the URL that receives OPENAI_API_KEY unless the setting says otherwise."""
        address = str(self.str("OPENAI_BASE_URL", default="")) or OPENAI_URL
        try:
            origin_of(address)
        except ValueError:  # quickstart and seed_default_app read the URL and report the error
            return OPENAI_URL
        return address


def local_secret_key(data_dir: Path) -> str:
    """Return the data folder's secret key; create it, readable by its owner only, if necessary.

    Args:
        data_dir: the folder that holds all data of this machine.

    Raises:
        ImproperlyConfigured: the folder is not writable.
    """
    return _local_file(data_dir, "secret_key", lambda: secrets.token_urlsafe(50))


def local_secrets_key(data_dir: Path) -> str:
    """Return the key that encrypts the data folder's secrets; see `local_secret_key`."""
    return _local_file(data_dir, "secrets_key", lambda: Fernet.generate_key().decode())


def refuse_retired_variables() -> None:
    """Refuse variables that are no longer read, if ignoring them would change what the server trusts.

    Raises:
        ImproperlyConfigured: one is set.
    """
    for name, advice in RETIRED.items():
        if os.environ.get(name):
            raise ImproperlyConfigured(f"{name} is no longer read: {advice}")


def check_secrets_keys(keys: Sequence[str]) -> None:
    """Refuse keys that cannot encrypt, without repeating them.

    Raises:
        ImproperlyConfigured: one is not 32 bytes in URL-safe base64.
    """
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise ImproperlyConfigured(
            "SECRETS_KEYS contains an invalid key. Generate one with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from None


def _variable(name: str) -> str:
    if not re.fullmatch("[A-Z][A-Z0-9_]*", name):
        raise ValueError(name)
    return name


def _local_file(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return _read_or_make(data_dir / name, make)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used: {error.strerror}. Make it writable, or set AOMI_DATA_DIR to "
            "another folder."
        ) from error


def postgres_address(env: environ.Env, name: str = "DATABASE_URL") -> Any:
    """Return Django's settings for the database URL in a setting.

    Raises:
        ImproperlyConfigured: it is not a PostgreSQL URL. The message does not repeat it, because it holds a password.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the warning would print the URL, including the password
            database = env.db_url(name)
    except (ValueError, KeyError, ImproperlyConfigured):
        database = {}
    if database.get("ENGINE") != "django.db.backends.postgresql" or not database.get("NAME"):
        raise ImproperlyConfigured(
            f"{name} is not a PostgreSQL URL of the form postgresql://user:password@host:5432/name."
        )
    return database


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(draft, path)  # fails if another process was first; both then use that process's key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
