"""Form fields for text with several lines, and for JSON."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from apps_registry.support.text.plain_json import TooDeep, read_json_exactly

JSON_MAX_DEPTH = 100


class LinesField(forms.CharField):
    """Text with LF line ends; browsers always send CR LF.

    Otherwise saving a page without edits would change the text, and with it the App file and the release.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False, **kwargs})

    def to_python(self, value: Any) -> str:
        """Return the text with LF line ends; empty if it is blank."""
        text = str(super().to_python(value) or "").replace("\r\n", "\n")
        return text if text.strip() else ""


class JSONTextField(forms.JSONField):
    """JSON with limited depth; Django's own field fails with a recursion error."""

    def to_python(self, value: Any) -> Any:
        if _is_too_deep(value):
            raise ValidationError(f"This cannot be read: {TooDeep(JSON_MAX_DEPTH)}.")
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the value to show when the form is invalid."""
        return InvalidJSONInput(data) if _is_too_deep(data) else super().bound_data(data, initial)


def _is_too_deep(text: Any) -> bool:
    try:
        read_json_exactly(text, max_depth=JSON_MAX_DEPTH)
    except TooDeep:
        return True
    except (ValueError, TypeError):  # Django's own field reports invalid JSON
        pass
    return False
