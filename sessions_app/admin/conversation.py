"""The data of a session's page: its messages in turns, and the facts around them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Count, Sum
from django.utils.safestring import SafeString

from apps_registry.admin.display import amount_of, duration, money
from sessions_app.admin.found import FoundWords
from sessions_app.admin.markdown import to_html
from sessions_app.models import ChatSession, Turn
from sessions_app.queries.marks import marked, marked_html
from sessions_app.queries.transcript import Window

# The time for Markdown grows with its length; beyond this, a page shows texts as they were written.
MARKDOWN_MAX_CHARS = 60_000


@dataclass(frozen=True, slots=True)
class TurnLine:
    """The text of the thin line above a turn.

    Attributes:
        turn: the turn.
        facts: its model, duration, tokens and cost, if known.
    """

    turn: Turn
    facts: list[str]


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive messages of one turn, or of none.

    Attributes:
        line: the turn; None if the operator may not see turns, or the messages belong to none.
        messages: as `read_window` returns them, with `html` for what a model wrote, `shown` in place of the text, and
            `is_found` if a search found the message.
    """

    line: TurnLine | None
    messages: list[dict[str, Any]] = field(default_factory=list)


def parts_of(window: Window, found: FoundWords | None = None, *, shows_turns: bool) -> list[Part]:
    """Return the messages of a window, grouped by turn.

    Args:
        window: the messages.
        found: the words of a search, to mark them.
        shows_turns: whether the operator may see turns.
    """
    turn_ids = {message["turn_id"] for message in window.messages if message["turn_id"]}
    turns = Turn.objects.filter(pk__in=turn_ids).defer("open_calls", "partial_text") if shows_turns else []
    lines = {turn.pk: TurnLine(turn, list(turn_facts(turn))) for turn in turns}
    messages = (_with_marks(message, found) for message in _with_html(window.messages))
    return [
        Part(lines.get(turn_id), list(group))
        for turn_id, group in groupby(messages, lambda message: message["turn_id"])
    ]


def turn_facts(turn: Turn) -> Iterator[str]:
    """Yield the model, duration, tokens and cost of a turn, if known."""
    if turn.model:
        yield turn.model
    if turn.finished_at is not None:
        yield duration(turn.finished_at - turn.started_at)
    if turn.first_token_ms is not None:
        yield f"first token {duration(timedelta(milliseconds=turn.first_token_ms))}"
    if turn.prompt_tokens is not None or turn.completion_tokens is not None:
        yield f"{amount_of(turn.prompt_tokens or 0)} + {amount_of(turn.completion_tokens or 0)} tokens"
    if turn.cost is not None:
        yield money(turn.cost)


def totals_of(session: ChatSession) -> str:
    """Return the number of turns of a session, its tokens and its cost in one line."""
    sums = session.turns.aggregate(
        turns=Count("pk"), prompt=Sum("prompt_tokens"), completion=Sum("completion_tokens"), cost=Sum("cost")
    )
    tokens = (sums["prompt"] or 0) + (sums["completion"] or 0)
    cost: Decimal | None = sums["cost"]
    facts = [f"{sums['turns']:,} turn{'' if sums['turns'] == 1 else 's'}"]
    facts += [f"{amount_of(tokens)} tokens"] if tokens else []
    facts += [money(cost)] if cost is not None else []
    return " · ".join(facts)


def _with_html(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the messages; those of a model have HTML, up to a total length per page."""
    left = MARKDOWN_MAX_CHARS
    for message in messages:
        html: SafeString | None = None
        if message["role"] == "agent" and not message["is_cut"] and len(message["text"]) <= left:
            left -= len(message["text"])
            html = to_html(message["text"])
        yield {**message, "html": html}


def _with_marks(message: dict[str, Any], found: FoundWords | None) -> dict[str, Any]:
    """Return a message with the words of a search marked, if the search found it."""
    html, text = message["html"], message["text"]
    if found is None or found.pattern is None or message["position"] not in found.positions:
        return {**message, "shown": text}
    html = marked_html(html, found.pattern) if html is not None else None
    shown = marked(text, found.pattern)
    is_marked = "<mark>" in (shown if html is None else html)
    return {**message, "html": html, "shown": shown, "is_found": True, "is_marked": is_marked}
