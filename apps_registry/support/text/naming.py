"""Makes texts and names of a document valid for a model and for the tool protocol."""

import hashlib
import re
from typing import Any

from apps_registry.support.text.visible_text import visible_line

MAX_TOOL_NAME = 64
MAX_ARGUMENT_NAME = 64
MAX_SECRET_NAME = 64
NUMBER_CHARS = 6  # maximum length of an underscore and a number


def shortened(text: Any, limit: int) -> str:
    """Return a text on one line, without characters that cannot be stored or seen, in at most `limit` characters."""
    if not isinstance(text, str) or limit <= 0:
        return ""
    # Invisible characters can hide text from the operator that the model would read.
    words = visible_line(text[: limit * 8])
    if len(words) <= limit:
        return words
    return words[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def tool_name(text: str) -> str:
    """Return a name that matches ^[a-zA-Z0-9_-]{1,64}$; a name that was cut ends in a digest of the whole name."""
    return _valid_name(text, r"[^a-zA-Z0-9_-]+", MAX_TOOL_NAME) or "tool"


def argument_name(text: str) -> str:
    """Return a name of letters, digits and underscores that does not begin with a digit."""
    name = _valid_name(text, r"[^a-zA-Z0-9_]+", MAX_ARGUMENT_NAME) or "argument"
    return f"_{name}"[:MAX_ARGUMENT_NAME] if name[0].isdigit() else name


def secret_name(host: str, scheme: str) -> str:
    """Return a name such as API_EXAMPLE_COM__API_KEY for the secret of a host.

    Two hosts that can be registered never share a name, whatever their schemes are called: a dot becomes one
    underscore, a hyphen becomes two, and the last two underscores separate the host from the scheme.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", scheme)
    words = re.sub(r"[^A-Z0-9]+", "_", spaced.upper()).strip("_") or "KEY"
    host_words = re.sub(r"[^A-Z0-9_]", "_", host.upper().replace("-", "__")).strip("_")
    name = f"{host_words}__{words}"
    name = name if name[:1].isalpha() else f"S_{name}"
    if len(name) <= MAX_SECRET_NAME:
        return name
    digest = hashlib.blake2s(f"{host}\n{scheme}".encode("utf-8", "replace"), digest_size=6).hexdigest().upper()
    return f"{name[: MAX_SECRET_NAME - 13]}_{digest}"


class UniqueNames:
    """Hands out names, each one once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        # The last number by the text before it. Counting from 2 each time took minutes for a document in which
        # thousands of operations share one id.
        self._last: dict[str, int] = {}

    def unique(self, requested_name: str, limit: int = MAX_TOOL_NAME) -> str:
        """Return the name, with a number if it is taken (upper and lower case are the same), and reserve it."""
        name, stem = requested_name, requested_name[: limit - NUMBER_CHARS].lower()
        while name.lower() in self._taken:
            number = self._last[stem] = self._last.get(stem, 1) + 1
            name = f"{requested_name[: limit - len(str(number)) - 1]}_{number}"
        self._taken.add(name.lower())
        return name


def _valid_name(text: str, invalid_pattern: str, limit: int) -> str:
    name = re.sub(invalid_pattern, "_", text).strip("_")
    if len(name) <= limit:
        return name
    digest = hashlib.blake2s(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{name[: limit - 9]}_{digest}"
