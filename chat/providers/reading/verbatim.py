"""Collects fields of messages and calls outside the protocol, which some providers require back unchanged.

Examples are DeepSeek's `reasoning_content`, Gemini's `extra_content.google.thought_signature` and OpenRouter's
`reasoning_details`. They arrive in fragments: strings are concatenated, objects merged, list entries matched by index.
"""

from collections.abc import Mapping
from typing import Any

import orjson

# The limit for one message with its calls; larger fields are not sent back.
VERBATIM_MAX_BYTES = 64 * 1024
# Collection stops at this size.
COLLECTED_MAX = 4 * VERBATIM_MAX_BYTES
# Fields that each fragment repeats rather than continues.
NAMES = frozenset({"type", "id", "index", "format", "role", "name", "object", "model", "mode", "version"})
# A list entry that has one of these fields is complete.
_ENDS = ("signature", "data")
# Reasoning as plain text; providers that require it back do so only with tool calls.
REASONING_TEXTS = frozenset({"reasoning", "reasoning_content"})


class Verbatim:
    """The extra fields of one message or one call, merged from its fragments."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._collected = 0

    def add(self, fragment: Mapping[str, Any]) -> None:
        """Add a fragment; over COLLECTED_MAX bytes, ignore it."""
        if self._collected <= COLLECTED_MAX:
            self._collected += len(_dump(fragment))
            _merge_objects(self._fields, fragment)

    def whole(self, max_bytes: int = VERBATIM_MAX_BYTES) -> dict[str, Any] | None:
        """Return the fields; None if there are none, they are too large, or they cannot be stored unchanged."""
        if not self._fields or self._collected > COLLECTED_MAX:
            return None
        size = size_of(self._fields)
        return dict(self._fields) if 0 < size <= max_bytes else None


def size_of(fields: Mapping[str, Any] | None) -> int:
    """Return the JSON size of fields in bytes; 0 if Postgres cannot store them."""
    text = _dump(fields) if fields else b""
    return 0 if b"\\u0000" in text else len(text)


def _dump(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except (orjson.JSONEncodeError, TypeError):  # nested too deeply, half of a surrogate pair, a huge number
        return b""


def _merge_objects(known: dict[str, Any], fragment: Mapping[str, Any]) -> None:
    for name, value in fragment.items():
        if value is None:
            continue
        known[name] = _merged(known.get(name), value, is_name=name in NAMES)


def _merged(known: Any, value: Any, *, is_name: bool) -> Any:
    """Return a value merged with its next fragment."""
    if known is None:
        return _copied(value)
    if isinstance(known, str) and isinstance(value, str):
        return known or value if is_name else known + value
    if isinstance(known, dict) and isinstance(value, dict):
        _merge_objects(known, value)
        return known
    if isinstance(known, list) and isinstance(value, list):
        for entry in value:
            _merge_entry(known, entry)
        return known
    return value


def _copied(value: Any) -> Any:
    """Return a deep copy in which list entries that continue each other are merged."""
    if isinstance(value, dict):
        return {name: _copied(field) for name, field in value.items() if field is not None}
    if isinstance(value, list):
        entries: list[Any] = []
        for entry in value:
            _merge_entry(entries, entry)
        return entries
    return value


def _merge_entry(entries: list[Any], entry: Any) -> None:
    """Append an entry to a list, or merge it into the entry that it continues; ignore a repeated entry."""
    if isinstance(entry, dict):
        for known in reversed(entries):
            if known == entry and any(entry.get(name) for name in _ENDS):
                return
            if isinstance(known, dict) and _continues(known, entry, is_last=known is entries[-1]):
                _merge_objects(known, entry)
                return
    entries.append(_copied(entry))


def _continues(known: dict[str, Any], entry: dict[str, Any], *, is_last: bool) -> bool:
    if known.get("data") or entry.get("data") or known.get("type") != entry.get("type"):
        return False
    if known.get("id") and entry.get("id") and known["id"] != entry["id"]:
        return False
    if known.get("index") is not None or entry.get("index") is not None:
        return bool(known.get("index") == entry.get("index"))
    return is_last and bool(entry.get("type")) and not known.get("signature")
