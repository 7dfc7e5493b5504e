"""Placeholders in an operator's text: `{{ args.x }}`, `{{ wallet.address }}`, `{{ secrets.NAME }}`.

A text is processed once, from left to right, and inserted values are not processed again: a value cannot add
placeholders. There are no expressions.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

PLACEHOLDER = re.compile(r"\{\{\s*(args|wallet|secrets)\.([A-Za-z0-9_.-]+)\s*\}\}")
WALLET_NAMES = ("address", "chain_id", "is_proven")


class Missing(Exception):
    """A placeholder has no value: an optional argument was not sent, or there is no wallet."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder)
        self.placeholder = placeholder


class Lookup(Protocol):
    """Returns the value of a placeholder by namespace and name; raises Missing if there is none."""

    def __call__(self, namespace: str, name: str, /) -> Any:
        """Return the value."""


def placeholders(template: Any) -> Iterator[tuple[str, str]]:
    """Yield the namespace and name of every placeholder in a text, or in the strings of JSON data."""
    if isinstance(template, str):
        for match in PLACEHOLDER.finditer(template):
            yield match[1], match[2]
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from placeholders(value)
    elif isinstance(template, list):
        for value in template:
            yield from placeholders(value)


def is_well_formed(text: str) -> bool:
    """Tell whether all double braces in a text are placeholders."""
    rest = PLACEHOLDER.sub("", text)
    return "{{" not in rest and "}}" not in rest


def as_text(value: Any) -> str:
    """Return a JSON value in the form for text: 5.0 as 5, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else as_json(value)


def as_json(value: Any) -> str:
    """Return a value as JSON, with exact integers of any length.

    Raises:
        ValueError: it contains infinity or NaN, which JSON does not have.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def render_text(template: str, lookup: Lookup, encode: Callable[[str], str] = str) -> str:
    """Return a text with its placeholders filled in.

    Args:
        template: the operator's text.
        lookup: returns the values.
        encode: encodes a value for its position in the text.

    Raises:
        Missing: a placeholder has no value, or null.
    """

    def fill(match: re.Match[str]) -> str:
        value = lookup(match[1], match[2])
        if value is None:
            raise Missing(f"{match[1]}.{match[2]}")
        return encode(as_text(value))

    return PLACEHOLDER.sub(fill, template)


def render_value(template: str, lookup: Lookup) -> Any:
    """Return the value with its type if the text is exactly one placeholder; otherwise the filled text.

    Raises:
        Missing: a placeholder has no value.
    """
    if whole := PLACEHOLDER.fullmatch(template.strip()):
        return lookup(whole[1], whole[2])
    return render_text(template, lookup)


def render_json(template: Any, lookup: Lookup) -> Any:
    """Return JSON data with filled placeholders; keys and items without a value are left out.

    Raises:
        Missing: the data is a single placeholder without a value.
    """
    if isinstance(template, str):
        return render_value(template, lookup)
    if isinstance(template, Mapping):
        return dict(_present(template.items(), lookup))
    if isinstance(template, list):
        return [value for _, value in _present(enumerate(template), lookup)]
    return template


def _present(items: Iterable[tuple[Any, Any]], lookup: Lookup) -> Iterator[tuple[Any, Any]]:
    for key, value in items:
        try:
            rendered = render_json(value, lookup)
        except Missing:
            continue
        yield key, rendered
