"""Chooses by which of a query's words its best chunks are looked up. Pure."""

import math
from collections.abc import Sequence
from itertools import combinations

# Looking a chunk up and ranking it costs about 10 microseconds.
MAX_RANKED = 600
MAX_COMBINED = 12

Term = tuple[str, int]  # a word with the number of the App's chunks that hold it


def rarity(count: int, total: int) -> float:
    """Return the inverse document frequency of Okapi BM25."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def lexeme(word: str) -> str:
    """Return a word, as the text search configuration made it, as a tsquery of its own."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(terms: Sequence[Term]) -> str:
    """Return the tsquery of chunks that hold at least one of the words."""
    return " | ".join(lexeme(word) for word, _ in terms)


def telling(terms: Sequence[Term], total: int, *, budget: float = MAX_RANKED) -> str:
    """Return the tsquery of the chunks among which the best by BM25 are, about as many as the budget.

    They hold a rare word, or two less rare ones: how many do is estimated as if words fell independently, and what
    few hold tells most. Measured among 100,000 chunks: of three words together, half again the work finds hardly more.

    Args:
        terms: at least one, rare ones first.
        total: how many chunks the App has.
        budget: how many chunks may be looked at.
    """
    if sum(count for _, count in terms) <= budget:
        return any_of(terms)
    shares = [(word, count / total) for word, count in terms[:MAX_COMBINED]]
    groups = sorted(
        (total * math.prod(share for _, share in group), size, [word for word, _ in group])
        for size in (1, 2)
        for group in combinations(shares, size)
    )
    chosen: list[tuple[float, set[str]]] = []
    for expected, _, words in groups:
        kept = [one for one in chosen if not one[1].issuperset(words)]  # those who hold all hold some
        if sum(one[0] for one in kept) + expected > budget:
            break
        if not any(one[1].issubset(words) for one in chosen):
            chosen = [*kept, (expected, set(words))]
    clauses = [" & ".join(map(lexeme, sorted(words))) for _, words in chosen]
    return " | ".join(f"({clause})" for clause in clauses) or lexeme(terms[0][0])
