"""Placeholders in an operator's text: `{{ args.x }}`, `{{ wallet.address }}`, `{{ secrets.NAME }}`.

A text is read once, from left to right, and what stands in for a placeholder is never read again: a value
cannot bring placeholders of its own. There are no expressions.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

PLACEHOLDER = re.compile(r"\{\{\s*(args|wallet|secrets)\.([A-Za-z0-9_.-]+)\s*\}\}")
WALLET_NAMES = ("address", "chain_id", "is_proven")


class Missing(Exception):
    """A placeholder has no value: an optional argument that was not sent, or a wallet that is not there."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder)
        self.placeholder = placeholder


class Lookup(Protocol):
    """Gives the value of a placeholder, by its namespace and name; raises Missing when there is none."""

    def __call__(self, namespace: str, name: str, /) -> Any:
        """Return the value."""


def placeholders(template: Any) -> Iterator[tuple[str, str]]:
    """Yield the namespace and name of every placeholder in a text, or in the strings of JSON data."""
    if isinstance(template, str):
        for found in PLACEHOLDER.finditer(template):
            yield found[1], found[2]
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from placeholders(value)
    elif isinstance(template, list):
        for value in template:
            yield from placeholders(value)


def is_well_formed(text: str) -> bool:
    """Whether a text has no braces that only look like a placeholder."""
    rest = PLACEHOLDER.sub("", text)
    return "{{" not in rest and "}}" not in rest


def as_text(value: Any) -> str:
    """Return a JSON value as it is written within a text: 5.0 as 5, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else as_json(value)


def as_json(value: Any) -> str:
    """Return a value as JSON, integers of any length as they are.

    Raises:
        ValueError: it holds something that JSON has no word for.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def render_text(template: str, lookup: Lookup, encode: Callable[[str], str] = str) -> str:
    """Return a text with its placeholders filled in.

    Args:
        template: the operator's text.
        lookup: gives the values.
        encode: makes a value fit the place that it stands in.

    Raises:
        Missing: a placeholder has no value, or null.
    """

    def fill(found: re.Match[str]) -> str:
        value = lookup(found[1], found[2])
        if value is None:
            raise Missing(f"{found[1]}.{found[2]}")
        return encode(as_text(value))

    return PLACEHOLDER.sub(fill, template)


def render_value(template: str, lookup: Lookup) -> Any:
    """Return the value itself, of its own type, where the text is one placeholder; else the text filled in.

    Raises:
        Missing: a placeholder has no value.
    """
    if whole := PLACEHOLDER.fullmatch(template.strip()):
        return lookup(whole[1], whole[2])
    return render_text(template, lookup)


def render_json(template: Any, lookup: Lookup) -> Any:
    """Return JSON data with the placeholders of its strings filled in; keys and items without a value are left out.

    Raises:
        Missing: the data as a whole is a placeholder without a value.
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
