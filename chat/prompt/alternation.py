"""Makes user and assistant messages of a prompt alternate, whatever the history holds.

The templates of many models, and some providers, refuse anything else: two user messages in a row, a user message right
after a tool's result, or a conversation that starts with the assistant. See
https://github.com/ggml-org/llama.cpp/issues/11402 for Mistral's template, and
https://github.com/mistralai/mistral-vibe/issues/1006 for how such histories arise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chat.events import ToolCall
from chat.issuers import Issuer

BETWEEN = "\n\n"
# Placeholders for missing user and assistant messages.
LEFT_OUT = "(The beginning of this conversation is left out.)"
NO_ANSWER = "(No answer followed.)"


@dataclass(slots=True)
class Entry:
    """One message of the alternating conversation.

    Attributes:
        calls, results: the assistant's tool calls and their results.
        turn: the id of the message's turn, as text.
        issuer, extra: those of the assistant's message; see chat/prompt/history.py.
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
    """Return entries that alternate, starting with the user's.

    Consecutive messages of one role become one. Additions depend on preceding entries only, so that successive prompts
    of a session share their beginning, which providers cache.
    """
    alternating: list[Entry] = []
    for entry in entries:
        last = alternating[-1] if alternating else None
        if last is None:
            if entry.role == "assistant":
                alternating.append(Entry("user", LEFT_OUT))
            alternating.append(entry)
        elif last.role == entry.role == "user":
            alternating[-1] = Entry("user", last.text + BETWEEN + entry.text)
        elif entry.role == "user" and last.calls:
            alternating += [Entry("assistant", NO_ANSWER), entry]
        elif last.role == entry.role and not last.calls:
            alternating[-1] = _joined(last, entry)
        else:
            alternating.append(entry)
    return alternating


def _joined(first: Entry, second: Entry) -> Entry:
    """Join two assistant messages; an issuer's extra fields belong to one message, so those of the second are kept."""
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
