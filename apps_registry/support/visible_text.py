"""Text from outside as a person sees it: what shows nothing is left out, since a model would read it all the same.

Invisible is what has the property Default_Ignorable_Code_Point (variation selectors, tags, fillers, direction marks),
is of the category C (controls, formats, surrogates, private and unassigned code points), or is the blank Braille
pattern.
Each of them can carry a hidden message. These are kept, where they mean something: newline and tab; U+200C and U+200D
between letters of a script that joins its letters; U+200D and U+FE0F in the emoji sequences that Unicode lists.
"""

from typing import Any

import regex
from emoji import is_emoji

_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
_INVISIBLE = r"[[\p{Default_Ignorable_Code_Point}\p{C}\u2800]--[\n\t]]"
# Scripts that are written joined, by the property that says so; and those whose letters join over a virama.
_CURSIVE = r"[\p{Joining_Type=D}\p{Joining_Type=R}\p{Joining_Type=L}]"
_INDIC = "".join(
    rf"\p{{Script={name}}}"
    for name in (
        *("Balinese", "Bengali", "Devanagari", "Gujarati", "Gurmukhi", "Javanese", "Kannada", "Khmer", "Malayalam"),
        *("Myanmar", "Oriya", "Sinhala", "Sundanese", "Tai_Tham", "Tamil", "Telugu", "Tibetan"),
    )
)
# The joiner first: what stands around it is looked at only where there is one.
_JOINED = (
    rf"[\u200c\u200d](?:(?<={_CURSIVE}\p{{M}}{{0,4}}.)(?={_CURSIVE})"
    rf"|(?<=[[{_INDIC}]&&[\p{{L}}\p{{M}}]].)(?=[[{_INDIC}]&&\p{{L}}]))"
)
_ELEMENT = r"[\p{Emoji}--[#*0-9]][\p{Emoji_Modifier}\ufe0f]?"
_EMOJI = rf"[#*0-9]\ufe0f\u20e3|{_ELEMENT}(?:\u200d{_ELEMENT})*+"
_ANY = regex.compile(_INVISIBLE, regex.V1)
_PARTS = regex.compile(rf"(?P<emoji>{_EMOJI})|(?P<joined>{_JOINED})|(?P<invisible>{_INVISIBLE})", regex.V1)
_LINE_ENDS = regex.compile(r"\r\n?|[\v\f\x85]")


def visible(text: str) -> str:
    """Return a text without what shows nothing, its line ends as newlines."""
    if _ANY.search(text) is None:
        return text
    return str(_PARTS.sub(_kept, _LINE_ENDS.sub("\n", text)))


def visible_line(text: str) -> str:
    """Return a text on one line, its white space single, without what shows nothing."""
    return " ".join(visible(text).split())


def visible_data(data: Any) -> Any:
    """Return JSON data, of bounded depth, with its strings and its names as `visible` has them."""
    if isinstance(data, str):
        return visible(data)
    if isinstance(data, list):
        return [visible_data(each) for each in data]
    if isinstance(data, dict):
        return {visible(name): visible_data(value) for name, value in data.items()}
    return data


def invisible_in(text: str) -> list[str]:
    """Return the characters that `visible` leaves out, line ends apart."""
    if _ANY.search(text) is None:
        return []
    text = _LINE_ENDS.sub("\n", text)
    found: list[str] = []
    for part in _PARTS.finditer(text):
        if part["emoji"]:
            left = _standard(part["emoji"])
            found += [each for each in part["emoji"] if each in {_JOINER, _EMOJI_STYLE}][
                : len(part["emoji"]) - len(left)
            ]
        elif part["invisible"]:
            found.append(part["invisible"])
    return found


def has_invisible(text: str) -> bool:
    """Tell whether a text holds what shows nothing, line ends apart."""
    return bool(invisible_in(text))


def _kept(part: "regex.Match[str]") -> str:
    return _standard(part["emoji"]) if part["emoji"] else part["joined"] or ""


def _standard(sequence: str) -> str:
    """Return an emoji sequence; of one that Unicode does not list, the emoji that it is made of."""
    if is_emoji(sequence):
        return sequence
    elements = sequence.split(_JOINER)
    return "".join(each if is_emoji(each) else each.replace(_EMOJI_STYLE, "") for each in elements)
