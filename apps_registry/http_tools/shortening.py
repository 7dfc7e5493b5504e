"""Shortens long results: between the entries of the longest lists, otherwise after a number of characters."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# More cuts, such as in a list within each entry of a list, would leave too little of the content.
MAX_CUTS = 4


@dataclass(frozen=True, slots=True)
class _List:
    """A list in the data: its path, and the lengths of its entries as JSON, including a comma."""

    path: str
    entries: list[Any]
    lengths: list[int]


def cut(text: str, max_chars: int) -> str:
    """Return the beginning of a text, with a note if something was cut."""
    if len(text) <= max_chars:
        return text
    return f"{text[:max_chars]}… (cut: the first {max_chars} of {len(text)} characters)"


def cut_result(text: str, max_chars: int) -> str:
    """Return a tool's result, cut if it is too long; in JSON whole entries are removed, with a note.

    Args:
        text: the result, which may be JSON.
        max_chars: maximum length of the kept text; the note is additional.
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
    """Return data as JSON without escapes, which could hide text from people.

    Raises:
        RecursionError: it is nested too deeply.
    """
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _cut_longest_list(data: Any, excess: int) -> str:
    """Remove entries from the end of the list with the longest text; return a note, or "" if there is no list.

    At least one entry remains, so that the model sees the structure.
    """
    longest = max(_lists(data), key=lambda candidate: sum(candidate.lengths), default=None)
    if longest is None:
        return ""
    total = kept = len(longest.entries)
    while kept > 1 and excess > 0:
        kept -= 1
        excess -= longest.lengths[kept]
    del longest.entries[kept:]
    return f"{kept} of the {total} entries{f' of {longest.path}' if longest.path else ''}"


def _lists(data: Any) -> Iterator[_List]:
    """Yield the lists with several entries, outer lists first."""
    waiting = [("", data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{path}.{name}" if path else str(name), part) for name, part in value.items())
        elif isinstance(value, list):
            if len(value) > 1:
                yield _List(path, value, [len(spelled(entry)) + 1 for entry in value])
            # If only the first entry remains, its own lists may need to be cut.
            waiting.extend((f"{path}[0]", part) for part in value[:1])
