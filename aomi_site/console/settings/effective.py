"""The values of the settings that this worker uses. Never a secret: of those, only whether they are set."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings

from aomi_site.console.settings.documented import DocumentedSetting, documented_settings

# Variables whose values are secrets, or addresses that can contain a password.
SECRET_ENDINGS = ("_KEY", "_KEYS", "_TOKEN", "_SECRET", "_PASSWORD", "_URL", "_DSN", "_PROXY")
# Settings whose names in settings.py are not those of the variables.
OTHER_NAMES = {"AOMI_DATA_DIR": "DATA_DIR", "HSTS_SECONDS": "SECURE_HSTS_SECONDS"}


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """A setting with the value in use.

    Attributes:
        documented: what the documents say about it.
        value: as text; for a secret "set" or "not set".
        is_from_environment: whether the environment sets it; otherwise it is the default.
    """

    documented: DocumentedSetting
    value: str
    is_from_environment: bool


def effective_settings() -> list[tuple[str, list[EffectiveSetting]]]:
    """Return the settings by group, in the order of the documents."""
    groups = groupby(documented_settings(), key=lambda setting: setting.group)
    return [(group, [_effective(setting) for setting in rows]) for group, rows in groups]


def _effective(setting: DocumentedSetting) -> EffectiveSetting:
    entered = os.environ.get(setting.name, "")  # an empty variable counts as not set
    value = _value(setting, entered)
    if setting.name.endswith(SECRET_ENDINGS) and not setting.unit:  # a number is no secret: STREAMS_PER_KEY
        return EffectiveSetting(setting, "set" if value else "not set", bool(entered))
    return EffectiveSetting(setting, _text(value) or "not set", bool(entered))


def _value(setting: DocumentedSetting, entered: str) -> Any:
    """Return the value in use; of a variable that settings.py does not keep, what was entered, else its default."""
    if setting.name == "CORS_ALLOWED_ORIGINS" and settings.CORS_ALLOW_ALL_ORIGINS:
        return "*"
    name = OTHER_NAMES.get(setting.name, setting.name)
    if hasattr(settings, name):
        return getattr(settings, name)
    return entered or ("" if setting.default == "none" else setting.default)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:,.10g}" if isinstance(value, float) else f"{value:,}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        entries = ("=".join(entry) if isinstance(entry, tuple) else str(entry) for entry in value)
        return ", ".join(sorted(entries)) or "none"
    return str(value)
