"""The request of a tool while it is built from an operation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps_registry.http_tools.definition import BodyType
from apps_registry.openapi.document import Unsupported
from apps_registry.support.text.naming import UniqueNames, argument_name

MAX_ARGUMENTS = 40
MAX_NAMES_LISTED = 12
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


class Needed(Unsupported):
    """A required value cannot be sent."""


@dataclass(slots=True)
class Request:
    """The arguments so far, where they are sent, and what was left out."""

    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    body_type: BodyType = ""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    _names: UniqueNames = field(default_factory=UniqueNames)

    def argument(self, requested_name: str, schema: Mapping[str, Any], *, is_required: bool) -> str | None:
        """Declare an argument and return its placeholder; None if an optional argument exceeds the limit."""
        if len(self.properties) >= MAX_ARGUMENTS:
            self.leave_out(requested_name, f"a tool has at most {MAX_ARGUMENTS} arguments", is_required=is_required)
            return None
        name = self._names.unique(argument_name(requested_name))
        self.properties[name] = dict(schema)
        if is_required:
            self.required.append(name)
        return f"{{{{ args.{name} }}}}"

    def leave_out(self, name: str, reason: str, *, is_required: bool) -> None:
        """Leave out an optional argument.

        Raises:
            Needed: the argument is required.
        """
        if is_required:
            raise Needed(f"{name[:80]} is required, but {reason}")
        self.left_out.setdefault(reason, []).append(name[:80])

    def parameters(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": False,
        }

    def notes(self) -> list[str]:
        """Return a sentence for each reason why something was left out."""
        return [f"Left out, since {reason}: {_some(names)}." for reason, names in self.left_out.items()]


def plain(text: str, subject: str) -> str:
    """Check a text of the document that becomes part of a template, and return it.

    Raises:
        Unsupported: it could be a placeholder, and so request a secret of the App.
    """
    if "{{" in text or "}}" in text or "{%" in text:
        raise Unsupported(f"{subject} contains double braces, which mark placeholders")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Unsupported(f"{subject} contains a control character")
    return text


def header_name(text: str) -> str:
    """Return the name of a header; raises Unsupported if it is invalid."""
    if not HEADER_NAME.match(text):
        raise Unsupported(f"{text[:80]!r} is not the name of a header")
    return plain(text, "the name of a header")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES_LISTED])
    return shown if len(names) <= MAX_NAMES_LISTED else f"{shown} and {len(names) - MAX_NAMES_LISTED} more"
