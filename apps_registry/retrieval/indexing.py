"""Computes the columns of chunks that search uses to find their words. Pure functions."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from apps_registry.models.document import LANGUAGES
from apps_registry.retrieval.analysis.languages import SAMPLE_CHARS, configuration
from apps_registry.retrieval.analysis.text import Analysis, analyse, to_tsvector

KNOWN = frozenset(LANGUAGES)
HEAD_WEIGHT = "B"

Row = tuple[str, str]  # the heading and the text of a chunk


def detected_language(rows: Sequence[Row]) -> str:
    """Return the text search configuration for a document, from the beginning of its text."""
    sample, length = [], 0
    for _, text in rows:
        sample.append(text)
        length += len(text)
        if length > SAMPLE_CHARS:
            break
    return configuration("\n".join(sample), KNOWN)


def index_columns(title: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the columns from which PostgreSQL makes the search vectors of chunks, as parameters of a statement.

    Args:
        title: the document's title; searches for its words find each chunk.
        rows: its chunks.
    """

    @cache  # consecutive chunks often have the same heading
    def head(heading: str) -> Analysis:
        return analyse(f"{title} {heading}")

    heads = [head(heading) for heading, _ in rows]
    texts = [analyse(text) for _, text in rows]
    return {
        "head_words": [one.words for one in heads],
        "head_tokens": [to_tsvector(one.tokens, HEAD_WEIGHT) for one in heads],
        "words": [one.words for one in texts],
        "tokens": [to_tsvector(one.tokens) for one in texts],
    }
