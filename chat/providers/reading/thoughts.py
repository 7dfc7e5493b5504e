"""Reasoning that a model writes into its text, between tags: it is not part of the reply."""

import re

from chat.providers.reading.channels import ChannelFilter, may_open, opens

# What opens a thought, and what closes it. Only at the beginning of an answer: elsewhere they are text, such as an
# answer about these very tags.
TAGS = {
    "<think>": "</think>",  # DeepSeek R1, Qwen3, MiniMax M2 and what is made of them
    "<thinking>": "</thinking>",  # models told to reason by a prompt, such as Claude's older ones
    "<thought>": "</thought>",  # Gemini's compatible endpoint with include_thoughts
    "[think]": "[/think]",  # Mistral's Magistral, by its raw template
    "<seed:think>": "</seed:think>",  # ByteDance's Seed-OSS
    "<reasoning>": "</reasoning>",  # Granite and others
}
_LONGEST = max(map(len, TAGS))
# The close of a thought whose opening tag the chat template had written, on a line of its own.
_CLOSE_ALONE = re.compile(r"(?:\A|\n)[ \t]*</think>[ \t]*(?:\n|\Z)")


class ThoughtFilter:
    """Tells the thoughts at the beginning of a text from what comes after, at whatever place its pieces are cut.

    Attributes:
        is_over: whether all that comes is the reply.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._held = ""
        self._close = ""
        self._has_thought = False
        self._channels: ChannelFilter | None = None

    def take(self, piece: str) -> tuple[str, str]:
        """Return what is certain now to be reply, and thought."""
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
        """Return what was held back, now that nothing more comes: a thought without a close is one to its end."""
        if self._channels is not None:
            return self._channels.end()
        held, self._held = self._held, ""
        if self._close:
            return "", held
        self.is_over = True
        return (held.lstrip() if self._has_thought else held), ""

    def _begin_thought(self) -> bool:
        """Tell whether a thought begins; if it cannot be told yet, neither that it does nor that the reply does."""
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
        """Tell whether the thought ends in what is held; its words go to `thoughts`."""
        at = self._held.lower().find(self._close)
        if at >= 0:
            thoughts.append(self._held[:at])
            self._held, self._close = self._held[at + len(self._close) :], ""
            return True
        certain = max(0, len(self._held) - len(self._close) + 1)
        thoughts.append(self._held[:certain])
        self._held = self._held[certain:]
        return False


def split_unopened(text: str) -> tuple[str, str]:
    """Return a whole text's reply, and the thought before it whose opening tag is not in the text.

    The templates of many models write the opening tag themselves, so that only the close comes: nothing can tell
    while the text streams in, only its end.
    """
    found = _CLOSE_ALONE.search(text) if "</think>" in text else None
    if found is None or "<think>" in text[: found.start()] or "`" in text[: found.start()]:
        return text, ""
    return text[found.end() :].lstrip(), text[: found.start()]
