"""An App's own fields in a file. They come from the model, so that files include each new field immediately."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from apps_registry.models import App

# Fields that belong to one installation, or that a file holds in another form.
_NOT_IN_FILES = frozenset(
    {
        *("id", "slug", "is_default", "is_active", "created_at", "updated_at"),
        *("default_model", "embedding_model", "live_release", "documents_limit_mb"),
    }
)
LINES = frozenset(
    {"allowed_origins", "allowed_networks", "allowed_hosts", "only_hosts"}
)  # text fields with one value per line


def setting_fields() -> "dict[str, models.Field[Any, Any]]":
    """Return the fields of App that files include, by name."""
    fields = {field.name: field for field in App._meta.concrete_fields}
    return {name: field for name, field in fields.items() if name not in _NOT_IN_FILES}


def settings_of(app: App) -> dict[str, Any]:
    """Return the settings of an App that differ from their defaults, as JSON data."""
    changed = {}
    for name, field in setting_fields().items():
        value, default = getattr(app, name), field.get_default()
        if name in LINES:
            value, default = value.split(), default.split()
        if value != default:
            changed[name] = value
    return changed


def without_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings among values of the App's columns that differ from their defaults."""
    app = App()
    for name, value in values.items():
        setattr(app, name, value)
    return settings_of(app)


def columns(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the values of all columns for these settings; missing settings get their defaults."""
    values = {name: settings.get(name, field.get_default()) for name, field in setting_fields().items()}
    return {
        name: "\n".join(value) if isinstance(value, list) and name in LINES else value for name, value in values.items()
    }
