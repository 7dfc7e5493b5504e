"""The query that selects candidates: short, and true of the chunks with a rare word or two less rare ones."""

import re
from itertools import combinations

from apps_registry.retrieval.terms import Term, candidate_query

TERMS: list[Term] = [("it's", 40), *((f"word{number}", 300 + 200 * number) for number in range(7))]
TOTAL = 20_000


def is_true(query: str, words: tuple[str, ...]) -> bool:
    expression = re.sub(r"'((?:[^']|'')+)'", lambda match: str(match[1].replace("''", "'") in words), query)
    return bool(eval(expression.replace("&", "and").replace("|", "or")))


def test_pairs_share_their_words() -> None:
    query = candidate_query(TERMS, TOTAL)
    lexemes = len(re.findall(r"'(?:[^']|'')+'", query))
    pairs = [pair for pair in combinations([word for word, _ in TERMS[1:]], 2) if is_true(query, pair)]
    assert is_true(query, ("it's",))
    assert not any(is_true(query, (word,)) for word, _ in TERMS[1:])
    assert len(pairs) >= 10
    assert ("word0", "word1") in pairs
    assert lexemes <= 1 + 1.5 * len(pairs)  # two for each pair if none is shared


def test_few_chunks_are_all_candidates() -> None:
    assert candidate_query([("a", 3), ("b", 390)], TOTAL) == "'a' | 'b'"
