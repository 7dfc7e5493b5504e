"""Rejects secrets and keys that an HTTP header cannot carry; messages say what is wrong and never quote the value."""

import re

from django.core.exceptions import ValidationError

_LINE_BREAK = re.compile("[\\r\\n\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # including tab, which servers handle differently


class UnfitKey(Exception):
    """A provider's key cannot be sent; the message says why and does not contain the key."""


def header_problem(value: str) -> str:
    """Return why a header cannot carry a value, as the end of a sentence about it; empty if it can."""
    if _LINE_BREAK.search(value):
        return "contains a line break, which a header cannot carry: copy it again, as one line"
    if value != value.strip():
        return "begins or ends with a space, which a header loses: copy it again without the space"
    if _CONTROL.search(value):
        return "contains a control character, which a header cannot carry: copy it again"
    if not value.isascii():
        return "contains a character outside ASCII, such as an accent or a typographic quote or dash: copy it again"
    return ""


def key_problem(value: str) -> str:
    """Return why a value cannot be a provider's key, in the form of `header_problem`."""
    return header_problem(value) or ("contains a space, which no key has: copy it again" if " " in value else "")


def validate_header_value(value: str) -> None:
    """Reject a secret that a header cannot carry.

    Raises:
        ValidationError: a header cannot carry the value.
    """
    _refuse("The value", header_problem(value))


def validate_key(value: str) -> None:
    """Reject a value that cannot be a provider's key.

    Raises:
        ValidationError: the value cannot be a key.
    """
    _refuse("The key", key_problem(value))


def _refuse(subject: str, problem: str) -> None:
    if problem:
        raise ValidationError(f"{subject} {problem}.")
