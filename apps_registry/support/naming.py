"""Words and names of a document, made fit for a model and for the tool protocol."""

import hashlib
import re
from typing import Any

from apps_registry.support.visible_text import visible_line

MAX_TOOL_NAME = 64
MAX_ARGUMENT_NAME = 64
MAX_SECRET_NAME = 64
NUMBER_CHARS = 6  # an underscore and the longest number


def shortened(text: Any, limit: int) -> str:
    """Return a text on one line, without characters that cannot be stored or seen, in at most `limit` characters."""
    if not isinstance(text, str) or limit <= 0:
        return ""
    # What shows nothing hides text from the operator who reads it before a model does.
    words = visible_line(text[: limit * 8])
    if len(words) <= limit:
        return words
    return words[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def tool_name(wanted: str) -> str:
    """Return a name that fits ^[a-zA-Z0-9_-]{1,64}$; one that had to be cut ends in a digest of the whole."""
    return _fitting(wanted, r"[^a-zA-Z0-9_-]+", MAX_TOOL_NAME) or "tool"


def argument_name(wanted: str) -> str:
    """Return a name of letters, digits and underscores that does not begin with a digit."""
    name = _fitting(wanted, r"[^a-zA-Z0-9_]+", MAX_ARGUMENT_NAME) or "argument"
    return f"_{name}"[:MAX_ARGUMENT_NAME] if name[0].isdigit() else name


def secret_name(host: str, scheme: str) -> str:
    """Return a name such as API_EXAMPLE_COM__API_KEY for the secret that a host gets.

    No two hosts that can be registered have one name in common, whatever they call their schemes: a dot is one
    underscore, a hyphen two, and the last two stand before the scheme.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", scheme)
    words = re.sub(r"[^A-Z0-9]+", "_", spaced.upper()).strip("_") or "KEY"
    place = re.sub(r"[^A-Z0-9_]", "_", host.upper().replace("-", "__")).strip("_")
    name = f"{place}__{words}"
    name = name if name[:1].isalpha() else f"S_{name}"
    if len(name) <= MAX_SECRET_NAME:
        return name
    digest = hashlib.blake2s(f"{host}\n{scheme}".encode("utf-8", "replace"), digest_size=6).hexdigest().upper()
    return f"{name[: MAX_SECRET_NAME - 13]}_{digest}"


class Names:
    """Gives each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        # By what stands before the number: the last one given. To count from 2 each time took minutes for a document
        # that gives thousands of operations one id.
        self._last: dict[str, int] = {}

    def unique(self, wanted: str, limit: int = MAX_TOOL_NAME) -> str:
        """Return the name, or with a number if it is taken in any case, and take it."""
        name, stem = wanted, wanted[: limit - NUMBER_CHARS].lower()
        while name.lower() in self._taken:
            number = self._last[stem] = self._last.get(stem, 1) + 1
            name = f"{wanted[: limit - len(str(number)) - 1]}_{number}"
        self._taken.add(name.lower())
        return name


def _fitting(wanted: str, others: str, limit: int) -> str:
    name = re.sub(others, "_", wanted).strip("_")
    if len(name) <= limit:
        return name
    digest = hashlib.blake2s(wanted.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{name[: limit - 9]}_{digest}"
