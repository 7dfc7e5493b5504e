"""The form field of a text of several lines."""

from typing import Any

from django import forms


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
