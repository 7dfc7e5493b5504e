"""Form fields of an HTTP tool: its arguments, entries with one per line, and names of headers."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps_registry.admin.forms.argument_rows import TYPES, ArgumentRow

SPARE_ROWS = 2
MAX_ROWS = 100


def code_area(rows: int) -> forms.Textarea:
    """Return a text area for code."""
    return forms.Textarea(attrs={"rows": rows, "class": "vLargeTextField aomi-code", "spellcheck": "false"})


def code_line() -> forms.TextInput:
    """Return a single-line input for code."""
    return forms.TextInput(attrs={"class": "vLargeTextField aomi-code", "spellcheck": "false"})


class ArgumentsWidget(forms.Widget):
    """A table with a row for each argument."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[ArgumentRow]:
        """Return the rows that have a name."""
        rows = []
        for number in range(MAX_ROWS):
            row = {part: data.get(f"{name}-{number}-{part}", "").strip() for part in ("name", "kind", "description")}
            choices = [choice.strip() for choice in data.get(f"{name}-{number}-choices", "").split(",")]
            if row["name"]:
                is_required = f"{name}-{number}-is_required" in data
                rows.append(ArgumentRow(**row, is_required=is_required, choices=tuple(filter(None, choices))))
        return rows

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Render the rows and some empty ones."""
        rows = [*(value or []), *[ArgumentRow(is_required=True)] * SPARE_ROWS]  # most arguments are required
        kinds = [(kind, label) for kind, (label, _) in TYPES.items()]
        context = {"name": name, "rows": rows, "kinds": kinds}
        return render_to_string("admin/apps_registry/tool/arguments.html", context)


class ArgumentsField(forms.Field):
    """The arguments of a tool, as rows."""

    widget = ArgumentsWidget

    def clean(self, value: Any) -> list[ArgumentRow]:
        """Refuse unknown types."""
        rows: list[ArgumentRow] = value or []
        if any(row.kind not in TYPES for row in rows):
            raise ValidationError("Unknown argument type.")
        return rows


class PairsField(forms.CharField):
    """Entries with one per line: a name, a colon, and a value."""

    def __init__(self, *, help_text: str) -> None:
        super().__init__(required=False, strip=False, widget=code_area(3), help_text=help_text)

    def clean(self, value: Any) -> dict[str, str]:
        return read_pairs(super().clean(value))


class HeaderNamesField(forms.CharField):
    """Names of headers, separated by commas."""

    def __init__(self, *, help_text: str) -> None:
        super().__init__(required=False, max_length=500, widget=code_line(), help_text=help_text)

    def clean(self, value: Any) -> list[str]:
        """Return the names without duplicates."""
        names = super().clean(value).replace(",", " ").split()
        return list(dict.fromkeys(names))


def read_pairs(text: str) -> dict[str, str]:
    """Parse lines of `name: value`.

    Raises:
        ValidationError: a line has no colon, or a name occurs twice.
    """
    pairs: dict[str, str] = {}
    for line in re.split(r"\r?\n", text):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip():
            raise ValidationError("Write each line as a name, a colon, and a value.")
        if name.strip() in pairs:
            raise ValidationError(f"{name.strip()} occurs twice.")
        pairs[name.strip()] = value.strip()
    return pairs


def write_pairs(pairs: Mapping[str, str]) -> str:
    """Return entries in the form that `read_pairs` reads."""
    return "\n".join(f"{name}: {value}" for name, value in pairs.items())
