"""The form fields of texts of several lines, and of JSON."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from apps_registry.support.plain_json import TooDeep, read_json_exactly

JSON_MAX_DEPTH = 100


class LinesField(forms.CharField):
    """Gives a text as its author wrote it, whose lines browsers end with CR LF whatever they were given.

    Otherwise a page that is saved as it stands would change the text, and with it the App's file and release.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False, **kwargs})

    def to_python(self, value: Any) -> str:
        """Return the text with LF line ends; nothing when it is blank."""
        text = str(super().to_python(value) or "").replace("\r\n", "\n")
        return text if text.strip() else ""


class JSONTextField(forms.JSONField):
    """Takes JSON of bounded depth; Django's own field fails where Python's stack ends."""

    def to_python(self, value: Any) -> Any:
        """Return the data."""
        if _is_too_deep(value):
            raise ValidationError(f"This cannot be read: {TooDeep(JSON_MAX_DEPTH)}.")
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what the page shows again."""
        return InvalidJSONInput(data) if _is_too_deep(data) else super().bound_data(data, initial)


def _is_too_deep(text: Any) -> bool:
    try:
        read_json_exactly(text, max_depth=JSON_MAX_DEPTH)
    except TooDeep:
        return True
    except (ValueError, TypeError):  # Django's field has the words for what is no JSON
        pass
    return False
