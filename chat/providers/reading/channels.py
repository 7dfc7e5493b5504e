"""Separates the channels of gpt-oss, for servers that pass its raw text on.

Most servers separate the channels themselves. Some never do, and some not always, for example after a tool call:
https://github.com/openai/harmony and github.com/kekzl/imp/pull/768.
"""

import re

_NAMES = ("start", "channel", "constrain", "message", "end", "return", "call")
_MARKS = tuple(f"<|{name}|>" for name in _NAMES)
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
_OPENINGS = ("<|channel|>", "<|start|>assistant")
_HEADER_MAX_CHARS = 400  # longer text is not a header
_FINAL = "final"  # the reply; the channels analysis and commentary are reasoning


def opens(text: str) -> bool:
    """Return whether a text starts with a channel."""
    return text.startswith(_OPENINGS)


def may_open(text: str) -> bool:
    """Return whether a text may turn out to start with a channel when more of it arrives."""
    return any(opening.startswith(text) for opening in _OPENINGS)


class ChannelFilter:
    """Separates the reply from reasoning in a stream, wherever its pieces are cut."""

    def __init__(self) -> None:
        self._held = ""
        self._header = ""
        self._channel: str | None = None  # None: between two messages, or within the header of one
        self._has_message = False

    def take(self, piece: str) -> tuple[str, str]:
        """Return the text that is now known to be reply, and that known to be reasoning."""
        text, start = self._held + piece, 0
        reply_and_thought: tuple[list[str], list[str]] = [], []
        for mark in _MARK.finditer(text):
            self._add(text[start : mark.start()], reply_and_thought)
            self._mark(mark[0])
            start = mark.end()
        rest = text[start:]
        cut = _start_of_cut_mark(rest)
        self._add(rest[:cut], reply_and_thought)
        self._held = rest[cut:]
        return "".join(reply_and_thought[0]), "".join(reply_and_thought[1])

    def end(self) -> tuple[str, str]:
        """Return the held text at the end of the stream; a header without a message is reply text."""
        reply_and_thought: tuple[list[str], list[str]] = [], []
        self._add(self._held, reply_and_thought)
        self._held = ""
        header = "" if self._has_message else self._header
        return "".join(reply_and_thought[0]) + header, "".join(reply_and_thought[1])

    def _add(self, text: str, reply_and_thought: tuple[list[str], list[str]]) -> None:
        if self._channel is None:
            self._header += text
            if len(self._header) > _HEADER_MAX_CHARS:
                reply_and_thought[0].append(self._header)
                self._channel, self._has_message = _FINAL, True
        elif text:
            reply_and_thought[self._channel != _FINAL].append(text)

    def _mark(self, mark: str) -> None:
        if mark == "<|message|>":
            words = self._header.split()
            self._channel, self._has_message = (words[0] if words else _FINAL), True
        elif mark == "<|constrain|>":  # the format of the message, within its header
            self._header += " "
        else:
            self._channel = None
            self._header = ""


def _start_of_cut_mark(text: str) -> int:
    """Return where a mark starts that the end of the text may cut; the text's length if there is none."""
    start = text.rfind("<")
    return start if start >= 0 and any(mark.startswith(text[start:]) for mark in _MARKS) else len(text)
