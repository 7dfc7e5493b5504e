"""The channels in which gpt-oss writes, where a server hands on its raw text.

Most servers take them apart. Some do not, some only sometimes, such as after a tool call:
https://github.com/openai/harmony and github.com/kekzl/imp/pull/768.
"""

import re

_NAMES = ("start", "channel", "constrain", "message", "end", "return", "call")
_MARKS = tuple(f"<|{name}|>" for name in _NAMES)
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
_OPENINGS = ("<|channel|>", "<|start|>assistant")
_HEADER_MAX_CHARS = 400  # a longer one is none
_FINAL = "final"  # what is for the reader; analysis and commentary are not


def opens(text: str) -> bool:
    """Tell whether a text begins with a channel."""
    return text.startswith(_OPENINGS)


def may_open(text: str) -> bool:
    """Tell whether a text may begin with a channel once more of it is there."""
    return any(opening.startswith(text) for opening in _OPENINGS)


class ChannelFilter:
    """Tells what is written for the reader from all else, at whatever place its pieces are cut."""

    def __init__(self) -> None:
        self._held = ""
        self._header = ""
        self._channel: str | None = None  # None: between two messages, or within the header of one
        self._has_message = False

    def take(self, piece: str) -> tuple[str, str]:
        """Return what is certain now to be reply, and thought."""
        text, at = self._held + piece, 0
        said: tuple[list[str], list[str]] = [], []
        for mark in _MARK.finditer(text):
            self._add(text[at : mark.start()], said)
            self._mark(mark[0])
            at = mark.end()
        rest = text[at:]
        cut = _begun_mark(rest)
        self._add(rest[:cut], said)
        self._held = rest[cut:]
        return "".join(said[0]), "".join(said[1])

    def end(self) -> tuple[str, str]:
        """Return what was held back, now that nothing more comes; a header without a message is text."""
        said: tuple[list[str], list[str]] = [], []
        self._add(self._held, said)
        self._held = ""
        left = "" if self._has_message else self._header
        return "".join(said[0]) + left, "".join(said[1])

    def _add(self, text: str, said: tuple[list[str], list[str]]) -> None:
        if self._channel is None:
            self._header += text
            if len(self._header) > _HEADER_MAX_CHARS:
                said[0].append(self._header)
                self._channel, self._has_message = _FINAL, True
        elif text:
            said[self._channel != _FINAL].append(text)

    def _mark(self, mark: str) -> None:
        if mark == "<|message|>":
            words = self._header.split()
            self._channel, self._has_message = (words[0] if words else _FINAL), True
        elif mark == "<|constrain|>":  # the format of the message, within its header
            self._header += " "
        else:
            self._channel = None
            self._header = ""


def _begun_mark(text: str) -> int:
    """Return where a mark begins that the text may cut; its length when none does."""
    at = text.rfind("<")
    return at if at >= 0 and any(mark.startswith(text[at:]) for mark in _MARKS) else len(text)
