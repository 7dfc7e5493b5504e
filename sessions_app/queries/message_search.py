"""Finds sessions by the text of their messages, in any script, with PostgreSQL's full-text search.

Its parser reads a run of letters as one word, so a sentence in a script without spaces would be one long word. Here
each character of such a script is a word, and a query of several characters is a phrase, which finds them next to each
other.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models.expressions import RawSQL
from django.db.models.functions import Left

from sessions_app.models import Message
from sessions_app.queries.marks import UNSPACED, pattern_for, words_of

# PostgreSQL keeps the positions of the first 16,383 words of a text.
SEARCHED_CHARS = 16_000
_SPACED_OUT = f"regexp_replace({{}}, '([{UNSPACED}])', ' \\1 ', 'g')"
# The indexed expression (sessions_app/migrations/0020_message_words.py).
WORDS = f"to_tsvector('simple'::regconfig, {_SPACED_OUT.format(f'left(content, {SEARCHED_CHARS})')})"
# A word finds all words that begin with it.
_PHRASE = f"phraseto_tsquery('simple', {_SPACED_OUT.format('%s')})::text"
_WORD_QUERY = f"coalesce((nullif({_PHRASE}, '') || ':*')::tsquery, '')"
MATCHES_MAX = 5_000
HITS_SHOWN = 2
CONTEXT_CHARS = 60


@dataclass(frozen=True, slots=True)
class MessageHit:
    """A match in a message, with the text around it.

    Attributes:
        before: the text before the match.
        match: the matching text.
        after: the text after the match.
    """

    position: int
    role: str
    before: str
    match: str
    after: str


def query_for(text: str) -> str:
    """Return the tsquery for a text, as text; empty if it has no word that can be searched."""
    words = words_of(text.replace("\x00", ""))
    if not words:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({' && '.join([_WORD_QUERY] * len(words))})::text", words)
        return str(cursor.fetchone()[0])


def sessions_containing(query: str) -> RawSQL:
    """Return the ids of the sessions with a message that matches, of at most MATCHES_MAX messages.

    Args:
        query: what `query_for` returned.
    """
    sql = f"SELECT session_id FROM sessions_app_message WHERE {WORDS} @@ %s::tsquery LIMIT {MATCHES_MAX}"
    return RawSQL(sql, [query])  # noqa: S611 - of constants; the query is a parameter


def hits_in(session_ids: Collection[UUID], text: str, query: str) -> dict[UUID, list[MessageHit]]:
    """Return the first matches of each session.

    Args:
        session_ids: the sessions of a page.
        text: what the operator wrote.
        query: what `query_for` returned for it.
    """
    pattern = pattern_for(text)
    hits: dict[UUID, list[MessageHit]] = {}
    rows = Message.objects.filter(session__in=session_ids, pk__in=_matching(session_ids, query)).order_by("position")
    fields = rows.annotate(text=Left("content", SEARCHED_CHARS)).values_list("session_id", "position", "role", "text")
    for session_id, position, role, content in fields:
        hits.setdefault(session_id, []).extend(_hits(pattern, position, role, content))
    return hits


def positions_in(session_id: UUID, query: str) -> list[int]:
    """Return the positions of the first MATCHES_MAX messages of a session that match.

    Args:
        session_id: the session.
        query: what `query_for` returned.
    """
    sql = f"SELECT id FROM sessions_app_message WHERE session_id = %s AND {WORDS} @@ %s::tsquery"
    matching = Message.objects.filter(pk__in=RawSQL(sql, [session_id, query]))  # noqa: S611 - as in sessions_containing
    return list(matching.order_by("position").values_list("position", flat=True)[:MATCHES_MAX])


def _matching(session_ids: Collection[UUID], query: str) -> RawSQL:
    sql = f"""
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY session_id ORDER BY position) AS number
            FROM sessions_app_message WHERE session_id = ANY(%s) AND {WORDS} @@ %s::tsquery
        ) AS numbered WHERE number <= {HITS_SHOWN}
    """
    return RawSQL(sql, [list(session_ids), query])  # noqa: S611


def _hits(pattern: re.Pattern[str] | None, position: int, role: str, content: str) -> Iterator[MessageHit]:
    """Yield the first match; the message's beginning if PostgreSQL found a match that the pattern does not."""
    match = pattern.search(content) if pattern else None
    start, end = match.span() if match else (0, 0)
    before = content[max(0, start - CONTEXT_CHARS) : start]
    after = content[end : end + CONTEXT_CHARS]
    yield MessageHit(
        position,
        role,
        ("…" if start > CONTEXT_CHARS else "") + before,
        content[start:end],
        after + ("…" if end + CONTEXT_CHARS < len(content) else ""),
    )
