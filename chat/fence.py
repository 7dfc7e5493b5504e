"""Marks around text that nobody vouches for: the model's only sign of where such text begins and ends."""

import re
from typing import Literal

Mark = Literal["tool_data", "earlier_data"]
MARKS: tuple[Mark, ...] = ("tool_data", "earlier_data")
# An end also in the spellings that a model may take for it: spaces, characters that are not seen, other slashes and
# brackets.
_UNSEEN = r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*"
_NAMES = "|".join(f"(?P<{mark}>" + "".join(rf"{_UNSEEN}{each}" for each in mark) + ")" for mark in MARKS)
_END = re.compile(
    rf"[<\uff1c\ufe64\u2039\u3008\u27e8]{_UNSEEN}[/\uff0f\u2044\u2215\u29f8](?:{_NAMES})",
    re.IGNORECASE,
)


def begin_of(mark: Mark) -> str:
    """Return what a marked text begins with."""
    return f"<{mark}>"


def end_of(mark: Mark) -> str:
    """Return what a marked text ends with."""
    return f"</{mark}>"


def fenced(mark: Mark, text: str) -> str:
    """Return a text between its marks, which nothing in it can close."""
    # In JSON, which most results are, the solidus may be escaped: the data stays what it is.
    inside = _END.sub(lambda end: f"<\\/{end.lastgroup}", text)
    return f"{begin_of(mark)}\n{inside}\n{end_of(mark)}"
