"""Turns a text into words, which PostgreSQL stems, and tokens, which are indexed unchanged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apps_registry.retrieval.analysis import identifiers
from apps_registry.retrieval.analysis.folding import plain_spellings
from apps_registry.retrieval.analysis.scripts import (
    UNSPACED,
    folded,
    pairs,
    query_pairs,
    without_clitics,
    without_signs,
)

MAX_POSITION = 16_383  # of a tsvector
MAX_POSITIONS = 32  # of one token; more hardly change its rank
_LONG_WORD = re.compile(r"[^\W\d_]{4,64}")  # it may be an identifier without its separators: `nodejs`
_NEEDS_QUOTING = re.compile(r"['\\]")


@dataclass(frozen=True, slots=True)
class Analysis:
    """The searchable parts of a text.

    Attributes:
        words: text to stem, for `to_tsvector`.
        tokens: what is indexed unchanged, in the order of the text.
    """

    words: str
    tokens: list[str]


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """The searchable parts of a query.

    Attributes:
        words: text to stem, for `to_tsvector`.
        tokens: what is searched unchanged.
        identifiers: for each identifier its tokens, the most specific first.
    """

    words: str
    tokens: list[str]
    identifiers: list[list[str]]


def analyse(text: str) -> Analysis:
    """Return the searchable parts of a text of a document."""
    text = folded(text)
    tokens = [token for run in UNSPACED.findall(text) for token in pairs(run)]
    text = UNSPACED.sub(" ", text)
    words: list[str] = []
    for compound, pieces in _compounds(text):
        words.append(pieces)
        tokens += identifiers.tokens(compound) if compound else ()
    tokens += identifiers.spaced(text)
    tokens += plain_spellings(text)
    return Analysis(_plain(words), tokens)


def analyse_query(query: str) -> QueryAnalysis:
    """Return the searchable parts of a query."""
    query = folded(query)
    tokens = [token for run in UNSPACED.findall(query) for token in query_pairs(run)]
    query = UNSPACED.sub(" ", query)
    words: list[str] = []
    known: list[list[str]] = []
    for compound, pieces in _compounds(query):
        words.append(pieces)
        if compound:
            compound_tokens = identifiers.tokens(compound)
            tokens += compound_tokens
            known += [compound_tokens] if identifiers.is_identifier(compound) else []
    in_groups = [*identifiers.spaced(query), *identifiers.adjoining(query)]
    known += [[token] for token in in_groups]
    plain = _plain(words)
    tokens += [*in_groups, *plain_spellings(query), *_LONG_WORD.findall(plain)]
    return QueryAnalysis(plain, list(dict.fromkeys(tokens)), known)


def to_tsvector(tokens: list[str], weight: str = "") -> str:
    """Return tokens in the text format of a tsvector.

    Args:
        tokens: at most 64 characters each.
        weight: the label of all of them: A, B, C, or none for D.
    """
    positions_of: dict[str, list[int]] = {}
    for position, token in enumerate(tokens, 1):
        positions = positions_of.setdefault(token, [])
        if len(positions) < MAX_POSITIONS:
            positions.append(min(position, MAX_POSITION))
    return " ".join(
        f"{_quoted(token)}:{','.join(f'{position}{weight}' for position in dict.fromkeys(positions))}"
        for token, positions in positions_of.items()
    )


def _plain(words: list[str]) -> str:
    """Return words for `to_tsvector`, in lower case: in some locales, PostgreSQL lowers only ASCII."""
    return without_clitics(without_signs("".join(words))).lower()


def _compounds(text: str) -> Iterator[tuple[str, str]]:
    """Yield the identifiers of a text, each with the words before and within it, and finally the remaining words."""
    end = 0
    for match in identifiers.COMPOUND.finditer(text):
        compound = match[0]
        pieces = " ".join(identifiers.plain_words(compound))
        yield compound, f"{text[end : match.start()]} {pieces} "
        end = match.end()
    yield "", text[end:]


def _quoted(token: str) -> str:
    return "'" + _NEEDS_QUOTING.sub(lambda match: match[0] * 2, token) + "'"
