"""The words of a search on a conversation's page: which messages have them, and links to these."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest

from apps_registry.support.wallet_addresses import both_ends
from sessions_app.models import ChatSession
from sessions_app.queries import message_search
from sessions_app.queries.marks import pattern_for
from sessions_app.queries.transcript import MESSAGES_SHOWN

SEARCHES_TEXT = "sessions_app.search_messages"
LINKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class FoundWords:
    """The messages of a conversation that have the words of a search.

    Attributes:
        text: what the operator wrote.
        pattern: finds the words, to mark them; None if the text has no word.
        positions: the messages that have them, in order.
    """

    text: str
    pattern: re.Pattern[str] | None
    positions: list[int]

    @property
    def urls(self) -> list[str]:
        """The links to the first of them."""
        return [link_to(position, self.text) for position in self.positions[:LINKS_SHOWN]]


def found_in(request: HttpRequest, session: ChatSession) -> FoundWords | None:
    """Return where the words of `?q=` are; None without a search of words, or without its permission."""
    text = request.GET.get("q", "").strip()
    if not (query := query_of(request.user, text)):
        return None
    return FoundWords(text, pattern_for(text), message_search.positions_in(session.pk, query))


def query_of(user: Any, text: str) -> str:
    """Return the tsquery for a search; empty if it is not one of words, or the operator may not search messages.

    Args:
        user: the operator.
        text: what they wrote. An id, a wallet and a key are looked up, not searched for in messages.
    """
    if not text or is_id(text) or both_ends(text) is not None or text.startswith("sk-"):
        return ""
    return message_search.query_for(text) if user.has_perm(SEARCHES_TEXT) else ""


def link_to(position: int, text: str) -> str:
    """Return the link to a message, on the page of the conversation that has it in the middle."""
    return f"?{urlencode({'q': text, 'before': position + MESSAGES_SHOWN // 2})}#message-{position}"


def is_id(text: str) -> bool:
    """Whether a text is a whole id."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
