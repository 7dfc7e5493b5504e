"""A result that is too long: cut between the entries of its longest lists, else after so many characters."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A list within each entry of a list, and the like: more than a few cuts say little of what was there.
MAX_CUTS = 4


@dataclass(frozen=True, slots=True)
class _Found:
    """A list in the data: where it is, and the lengths of its entries as JSON, each with its comma."""

    path: str
    entries: list[Any]
    lengths: list[int]


def cut(text: str, max_chars: int) -> str:
    """Return the beginning of a text, with a note if that is not all."""
    if len(text) <= max_chars:
        return text
    return f"{text[:max_chars]}… (cut: the first {max_chars} of {len(text)} characters)"


def cut_result(text: str, max_chars: int) -> str:
    """Return a tool's result, cut if it is too long; of JSON whole entries are kept, and a note says how many.

    Args:
        text: the result, which may be JSON.
        max_chars: of what is kept; the note comes on top.
    """
    if len(text) <= max_chars:
        return text
    try:
        data = json.loads(text)
        notes: list[str] = []
        while len(shorter := spelled(data)) > max_chars:
            if len(notes) == MAX_CUTS or not (note := _cut_longest_list(data, len(shorter) - max_chars)):
                return cut(text, max_chars)
            notes.append(note)
    except (ValueError, RecursionError):
        return cut(text, max_chars)
    return f"{shorter}… (cut: {'; '.join(notes)})" if notes else shorter


def spelled(data: Any) -> str:
    """Return data as JSON in one spelling, so that no escape hides anything.

    Raises:
        RecursionError: it is nested too deeply.
    """
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _cut_longest_list(data: Any, excess: int) -> str:
    """Take entries away from the end of the list that is longest as text; return a note, or nothing if there is none.

    At least one entry stays, so that the model sees what the list holds.
    """
    longest = max(_lists(data), key=lambda found: sum(found.lengths), default=None)
    if longest is None:
        return ""
    total = kept = len(longest.entries)
    while kept > 1 and excess > 0:
        kept -= 1
        excess -= longest.lengths[kept]
    del longest.entries[kept:]
    return f"{kept} of the {total} entries{f' of {longest.path}' if longest.path else ''}"


def _lists(data: Any) -> Iterator[_Found]:
    """Yield the lists of several entries, from the outside in."""
    waiting = [("", data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{path}.{name}" if path else str(name), part) for name, part in value.items())
        elif isinstance(value, list):
            if len(value) > 1:
                yield _Found(path, value, [len(spelled(entry)) + 1 for entry in value])
            # Of several entries the first alone may be too long by itself.
            waiting.extend((f"{path}[0]", part) for part in value[:1])
