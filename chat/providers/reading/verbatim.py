"""Fields of a message or a call that the protocol does not know: some providers want them back as they were.

DeepSeek's `reasoning_content`, Gemini's `extra_content.google.thought_signature`, OpenRouter's `reasoning_details`.
They come in fragments: strings go on, objects are merged, entries of lists are found by their index.
"""

from collections.abc import Mapping
from typing import Any

import orjson

# All of one message with its calls; what is larger does not go back.
VERBATIM_MAX_BYTES = 64 * 1024
# Fragments that together are far beyond it are not even collected.
COLLECTED_MAX = 4 * VERBATIM_MAX_BYTES
# These name something, and are repeated by each fragment rather than continued.
NAMES = frozenset({"type", "id", "index", "format", "role", "name", "object", "model", "mode", "version"})
# What says whole things: an entry of a list that has one of them is complete.
_ENDS = ("signature", "data")
# Reasoning as plain words. Providers that want it back want it next to tool calls only.
REASONING_TEXTS = frozenset({"reasoning", "reasoning_content"})


class Verbatim:
    """The unknown fields of one message, or of one call, put together from its fragments."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._collected = 0

    def add(self, fragment: Mapping[str, Any]) -> None:
        """Add a fragment; once there is far too much, nothing is kept."""
        if self._collected <= COLLECTED_MAX:
            self._collected += len(_dump(fragment))
            _merge_objects(self._fields, fragment)

    def whole(self, max_bytes: int = VERBATIM_MAX_BYTES) -> dict[str, Any] | None:
        """Return the fields; None when there are none, too many, or some that cannot be kept as they are."""
        if not self._fields or self._collected > COLLECTED_MAX:
            return None
        size = size_of(self._fields)
        return dict(self._fields) if 0 < size <= max_bytes else None


def size_of(fields: Mapping[str, Any] | None) -> int:
    """Return how many bytes of JSON fields take; 0 for those that Postgres could not hold."""
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
    """Return a value that its next fragment continues."""
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
    """Return a value whose objects and lists are its own; of a list, entries that continue one another are merged."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        entries: list[Any] = []
        for entry in value:
            _merge_entry(entries, entry)
        return entries
    return value


def _merge_entry(entries: list[Any], entry: Any) -> None:
    """Add an entry to a list, or to the entry there that it continues; one that comes again is not added."""
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
