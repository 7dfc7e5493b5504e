"""What a header cannot carry: refused when a secret or a key is set, by what is wrong and never by its value."""

import re

from django.core.exceptions import ValidationError

_LINE_BREAK = re.compile("[\\r\\n\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a tab too: servers differ in what they make of it


class UnfitKey(Exception):
    """A provider's key cannot be sent; the message says what is wrong and does not hold it."""


def header_problem(value: str) -> str:
    """Return what keeps a value out of a header, as the end of a sentence about it; empty: nothing does."""
    if _LINE_BREAK.search(value):
        return "has a line break in it, which a header cannot carry: copy it again, as one line"
    if value != value.strip():
        return "begins or ends with a space, which a header loses: copy it again without"
    if _CONTROL.search(value):
        return "has a control character in it, which a header cannot carry: copy it again"
    if not value.isascii():
        return "has a character outside ASCII in it, such as an accent or a typographic quote or dash: copy it again"
    return ""


def key_problem(value: str) -> str:
    """Return as `header_problem` what keeps a value from being a provider's key."""
    return header_problem(value) or ("has a space in it, which no key has: copy it again" if " " in value else "")


def validate_header_value(value: str) -> None:
    """Refuse a secret that no header carries.

    Raises:
        ValidationError: it is one.
    """
    _refuse("The value", header_problem(value))


def validate_key(value: str) -> None:
    """Refuse what is no provider's key.

    Raises:
        ValidationError: it is none.
    """
    _refuse("The key", key_problem(value))


def _refuse(what: str, problem: str) -> None:
    if problem:
        raise ValidationError(f"{what} {problem}.")
