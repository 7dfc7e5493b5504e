"""Chooses the words of a query that select the candidate chunks. Pure functions."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

# Maximum number of candidates; reading and ranking a chunk takes about 10 microseconds.
MAX_RANKED = 400
MAX_COMBINED = 12

# An identifier is rare if at most this number of chunks, or this share of them, contains it. Chunks with a rare
# identifier come before all others.
RARE_CHUNKS = 5
RARE_SHARE = 0.02
MIN_IDENTIFIER_CHARS = 3

Term = tuple[str, int]  # a word with the number of the App's chunks that contain it


def exact_terms(identifiers: Sequence[Sequence[str]], counts: Mapping[str, int], total: int) -> list[str]:
    """Return a token for each rare identifier of the query: the most specific one that any chunk contains.

    Args:
        identifiers: the tokens of each identifier, the most specific first.
        counts: the number of the App's chunks that contain a token.
        total: the number of its chunks.
    """
    known = (next((token for token in tokens if counts.get(token)), "") for tokens in identifiers)
    limit = max(RARE_CHUNKS, RARE_SHARE * total)
    return [token for token in dict.fromkeys(known) if len(token) >= MIN_IDENTIFIER_CHARS and counts[token] <= limit]


def rarity(count: int, total: int) -> float:
    """Return the inverse document frequency of Okapi BM25."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def lexeme(word: str) -> str:
    """Return a lexeme of the text search configuration as a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(terms: Sequence[Term]) -> str:
    """Return the tsquery of chunks that contain at least one of the words."""
    return " | ".join(lexeme(word) for word, _ in terms)


def candidate_query(terms: Sequence[Term], total: int, *, budget: float = MAX_RANKED) -> str:
    """Return a tsquery that selects about `budget` chunks with the best BM25 scores.

    Candidates contain one rare word, or two less rare words. The number of chunks with two words is estimated as if
    words were independent, and rare combinations come first. Measured with 100,000 chunks: combinations of three words
    cost 50 % more and find hardly anything more.

    Args:
        terms: at least one word, rare words first.
        total: number of the App's chunks.
        budget: maximum number of candidates.
    """
    if sum(count for _, count in terms) <= budget:
        return any_of(terms)
    shares = [(word, count / total) for word, count in terms[:MAX_COMBINED]]
    groups = sorted(
        (total * math.prod(share for _, share in group), size, [word for word, _ in group])
        for size in (1, 2)
        for group in combinations(shares, size)
    )
    selected: list[tuple[float, set[str]]] = []
    for expected, _, words in groups:
        kept = [group for group in selected if not group[1].issuperset(words)]  # covered by the smaller group
        if sum(group[0] for group in kept) + expected > budget:
            break
        if not any(group[1].issubset(words) for group in selected):
            selected = [*kept, (expected, set(words))]
    return " | ".join(f"({clause})" for clause in _clauses([words for _, words in selected])) or lexeme(terms[0][0])


def _clauses(groups: Sequence[set[str]]) -> list[str]:
    """Return tsqueries that together select the chunks with all words of any group.

    Pairs with a common word share it: the index evaluates the query for each chunk with one of its words, so a short
    query costs a quarter less.

    Args:
        groups: one or two words each.
    """
    clauses = [lexeme(word) for group in groups if len(group) == 1 for word in group]
    pairs = [group for group in groups if len(group) == 2]
    while pairs:
        numbers = Counter(word for pair in pairs for word in sorted(pair))
        ((common, _),) = numbers.most_common(1)
        others = sorted(word for pair in pairs if common in pair for word in pair - {common})
        clauses.append(f"{lexeme(common)} & ({' | '.join(map(lexeme, others))})")
        pairs = [pair for pair in pairs if common not in pair]
    return clauses
