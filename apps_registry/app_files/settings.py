"""An App's own fields in a file: those of its row, so that a new one is part of App files from its first day."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.strict import Fields, typed
from apps_registry.models import App

# What an App is to one installation, or what a file holds in another form.
_NOT_IN_FILES = frozenset(
    {
        *("id", "slug", "is_default", "is_active", "created_at", "updated_at"),
        *("default_model", "embedding_model", "live_release"),
    }
)
_LINES = frozenset({"allowed_origins", "allowed_hosts", "only_hosts"})  # text fields with a value a line


def setting_fields() -> "dict[str, models.Field[Any, Any]]":
    """Return the fields of App that files hold, by name."""
    fields = {field.name: field for field in App._meta.concrete_fields}
    return {name: field for name, field in fields.items() if name not in _NOT_IN_FILES}


def settings_of(app: App) -> dict[str, Any]:
    """Return the settings of an App that are not as usual, as JSON data."""
    found = {}
    for name, field in setting_fields().items():
        value, usual = getattr(app, name), field.get_default()
        if name in _LINES:
            value, usual = value.split(), usual.split()
        if value != usual:
            found[name] = value
    return found


def take_settings(fields: Fields) -> dict[str, Any]:
    """Take an App's settings from a file; those that are as usual are left out.

    Raises:
        AppFileError: one is of the wrong type, or is refused by the field's own rules.
    """
    app = App()
    for name, field in setting_fields().items():
        if fields.has(name):
            setattr(app, name, _value(fields, name, field))
    return settings_of(app)


def columns(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the values of all columns for these settings; what they do not name is as usual."""
    values = {name: settings.get(name, field.get_default()) for name, field in setting_fields().items()}
    return {
        name: "\n".join(value) if isinstance(value, list) and name in _LINES else value
        for name, value in values.items()
    }


def _value(fields: Fields, name: str, field: "models.Field[Any, Any]") -> Any:
    if name in _LINES:
        value: Any = "\n".join(fields.take_list(name, str))
    else:
        value = fields.take_any(name)
        if value is None and field.null:
            return None
        value = typed(value, _kind(field), fields.at(name))
    try:
        return field.clean(value, None)
    except ValidationError as error:
        raise AppFileError(f"{fields.at(name)}: {error.messages[0]}") from None


def _kind(field: "models.Field[Any, Any]") -> type:
    if isinstance(field, models.BooleanField):
        return bool
    if isinstance(field, models.FloatField):
        return float
    if isinstance(field, models.IntegerField):
        return int
    return dict if isinstance(field, models.JSONField) else str
