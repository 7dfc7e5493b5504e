"""A conversation in which user and assistant take turns, whatever happened.

The templates of many models, and some providers, refuse any other: two user messages in a row, a user message right
after a tool's result, an assistant who speaks first. See https://github.com/ggml-org/llama.cpp/issues/11402 for
Mistral's template and https://github.com/mistralai/mistral-vibe/issues/1006 for what brings it up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chat.events import ToolCall
from chat.issuers import Issuer

BETWEEN = "\n\n"
# What is said in place of the user and the assistant, where they said nothing.
LEFT_OUT = "(The beginning of this conversation is left out.)"
NO_ANSWER = "(No answer followed.)"


@dataclass(slots=True)
class Entry:
    """What one of the two said.

    Attributes:
        calls, results: the tools that the assistant called with it, and what they answered.
        turn: the turn that it is of, as text.
        issuer, extra: of the assistant's message; see chat/prompt/history.py.
    """

    role: Literal["user", "assistant"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    results: tuple[str, ...] = ()
    turn: str = ""
    round_number: int = 0
    issuer: Issuer | None = None
    extra: Mapping[str, Any] | None = None


def alternate(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries of which each may follow the one before; the first is the user's.

    What one of the two said in several messages becomes one. What is added depends on what came before only, so that
    a prompt begins as the one before it did.
    """
    kept: list[Entry] = []
    for entry in entries:
        last = kept[-1] if kept else None
        if last is None:
            if entry.role == "assistant":
                kept.append(Entry("user", LEFT_OUT))
            kept.append(entry)
        elif last.role == entry.role == "user":
            kept[-1] = Entry("user", last.text + BETWEEN + entry.text)
        elif entry.role == "user" and last.calls:
            kept += [Entry("assistant", NO_ANSWER), entry]
        elif last.role == entry.role and not last.calls:
            kept[-1] = _joined(last, entry)
        else:
            kept.append(entry)
    return kept


def _joined(first: Entry, second: Entry) -> Entry:
    """Return two assistant messages as one; what an issuer sent along is of one message and goes with the second."""
    text = BETWEEN.join(filter(None, (first.text, second.text)))
    return Entry(
        "assistant",
        text,
        second.calls,
        second.results,
        second.turn,
        second.round_number,
        second.issuer,
        second.extra,
    )
