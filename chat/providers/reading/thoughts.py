"""Separates reasoning that a model writes into its text, between tags, from the reply."""

import re

from chat.providers.reading.channels import ChannelFilter, may_open, opens

# The opening and closing tags of reasoning. They count only at the start of an answer: elsewhere they are text, for
# example in an answer about these tags.
TAGS = {
    "<think>": "</think>",  # DeepSeek R1, Qwen3, MiniMax M2 and models derived from them
    "<thinking>": "</thinking>",  # models told to reason by a prompt, such as Claude's older ones
    "<thought>": "</thought>",  # Gemini's compatible endpoint with include_thoughts
    "[think]": "[/think]",  # Mistral's Magistral, by its raw template
    "<seed:think>": "</seed:think>",  # ByteDance's Seed-OSS
    "<reasoning>": "</reasoning>",  # Granite and others
}
_LONGEST = max(map(len, TAGS))
# A closing tag on its own line, whose opening tag the chat template has written.
_CLOSE_ALONE = re.compile(r"(?:\A|\n)[ \t]*</think>[ \t]*(?:\n|\Z)")


class ThoughtFilter:
    """Separates reasoning at the start of a stream from the reply, wherever its pieces are cut.

    Attributes:
        is_over: whether all further text is the reply.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._held = ""
        self._close = ""
        self._has_thought = False
        self._channels: ChannelFilter | None = None

    def take(self, piece: str) -> tuple[str, str]:
        """Return the text that is now known to be reply, and that known to be reasoning."""
        if self.is_over:
            return piece, ""
        if self._channels is not None:
            return self._channels.take(piece)
        self._held += piece
        thoughts: list[str] = []
        while not self.is_over:
            if self._close:
                if not self._end_thought(thoughts):
                    return "", "".join(thoughts)
            elif not self._begin_thought():
                break
        if self._channels is not None:
            held, self._held = self._held, ""
            return self._channels.take(held)
        if not self.is_over:
            return "", "".join(thoughts)
        reply, self._held = self._held, ""
        return (reply.lstrip() if self._has_thought else reply), "".join(thoughts)

    def end(self) -> tuple[str, str]:
        """Return the held text at the end of the stream; reasoning without a closing tag extends to the end."""
        if self._channels is not None:
            return self._channels.end()
        held, self._held = self._held, ""
        if self._close:
            return "", held
        self.is_over = True
        return (held.lstrip() if self._has_thought else held), ""

    def _begin_thought(self) -> bool:
        """Return whether reasoning starts here; if the reply starts instead, set `is_over`."""
        start = self._held.lstrip()
        lower = start[:_LONGEST].lower()
        for tag, close in TAGS.items():
            if lower.startswith(tag):
                self._held, self._close, self._has_thought = start[len(tag) :], close, True
                return True
        if opens(start):
            self._channels = ChannelFilter()
        is_open = self._channels is not None or may_open(start) or any(tag.startswith(lower) for tag in TAGS)
        self.is_over = bool(start) and not is_open
        return False

    def _end_thought(self, thoughts: list[str]) -> bool:
        """Return whether the reasoning ends in the held text, and append its text to `thoughts`."""
        end = self._held.lower().find(self._close)
        if end >= 0:
            thoughts.append(self._held[:end])
            self._held, self._close = self._held[end + len(self._close) :], ""
            return True
        safe_length = max(0, len(self._held) - len(self._close) + 1)
        thoughts.append(self._held[:safe_length])
        self._held = self._held[safe_length:]
        return False


def split_unopened(text: str) -> tuple[str, str]:
    """Split a whole text into the reply and reasoning before it that has no opening tag.

    The chat templates of many models write the opening tag themselves, so that the text contains only the closing tag.
    This cannot be detected while the text streams in.
    """
    closing = _CLOSE_ALONE.search(text) if "</think>" in text else None
    if closing is None or "<think>" in text[: closing.start()] or "`" in text[: closing.start()]:
        return text, ""
    return text[closing.end() :].lstrip(), text[: closing.start()]
