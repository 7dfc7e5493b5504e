"""Words that resemble a word of a query: it has a typing error, is part of a compound, or is a compound itself.

The index of an App's words finds candidates by groups of three letters; this module chooses among them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

COMPOUNDING = frozenset({"german", "dutch", "danish", "swedish", "norwegian", "finnish", "hungarian"})
MIN_CHARS = 4
LONG_CHARS = 8  # a word of at least this length may have two errors
MIN_INNER_CHARS = 6  # of a word within another that is neither its beginning nor its end
MIN_REST_CHARS = 3  # of a compound without the word
LINKS = ("es", "en", "er", "ns", "s", "n", "e")  # between the parts of a compound
MAX_ALTERNATIVES = 6
TYPO_WEIGHT, PART_WEIGHT = 0.6, 0.5

Counts = Mapping[str, int]  # words with the number of the App's chunks that contain them


def typo_pieces(word: str) -> list[list[str]]:
    """Return lists of groups of three letters.

    A word with at most the allowed errors contains all groups of at least one list: one error changes one half of a
    word, two errors change two thirds, and the rest is unchanged. Two swapped letters may be on both sides of a
    boundary, so shorter parts are lists too.

    Args:
        word: at least MIN_CHARS characters.
    """
    padded = f" {word} "
    parts = 2 if len(word) < LONG_CHARS else 3
    bounds = [round(len(padded) * number / parts) for number in range(parts + 1)]
    spans = [(start, end) for begin, until in pairwise(bounds) for start, end in _shrunk(begin, until)]
    pieces = [_grams(padded[start:end]) for start, end in spans]
    return [piece for piece in pieces if piece] or [[gram] for gram in _grams(padded)]


def _shrunk(begin: int, until: int) -> Iterator[tuple[int, int]]:
    """Yield a span, or those without its first and its last character if they are long enough for a group."""
    if until - begin <= 3:
        yield begin, until
        return
    yield begin, until - 1
    yield begin + 1, until


def part_pieces(word: str) -> list[list[str]]:
    """Return the groups of three letters that a word has if it contains this one."""
    return [_grams(word)]


def _grams(text: str) -> list[str]:
    return list(dict.fromkeys(text[position : position + 3] for position in range(len(text) - 2)))


def corrections(word: str, candidates: Counts) -> list[str]:
    """Return the candidates with the fewest typing errors, frequent ones first.

    Args:
        word: a word that no chunk contains.
        candidates: words of the App.
    """
    allowed = 1 if len(word) < LONG_CHARS else 2
    letters = set(word)  # an error changes at most two of them; this costs a tenth of counting the errors
    alike = [other for other in candidates if other[0] == word[0] and len(letters ^ set(other)) <= 2 * allowed]
    distances = {other: _errors(word, other, allowed) for other in alike}
    near = {other: number for other, number in distances.items() if 0 < number <= allowed}
    fewest = min(near.values(), default=0)
    best = [other for other, number in near.items() if number == fewest]
    return sorted(best, key=lambda other: (-candidates[other], other))[:MAX_ALTERNATIVES]


def compounds(word: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates that begin or end with the word or, if it is long, contain it; short ones first.

    Args:
        word: a word of the query.
        candidates: words of the App.
    """
    matches = [
        other
        for other in candidates
        if len(other) >= len(word) + MIN_REST_CHARS
        and (other.startswith(word) or other.endswith(word) or (len(word) >= MIN_INNER_CHARS and word in other))
    ]
    return sorted(matches, key=lambda other: (len(other), other))[:MAX_ALTERNATIVES]


def splits(word: str) -> list[tuple[str, str]]:
    """Return the ways to split a compound into two words, with and without linking letters."""
    matches = []
    for position in range(MIN_CHARS, len(word) - MIN_CHARS + 1):
        first, second = word[:position], word[position:]
        matches.append((first, second))
        matches += [
            (first[: -len(link)], second) for link in LINKS if first.endswith(link) and len(first) > len(link) + 3
        ]
    return matches


def parts(word: str, known: Mapping[str, str]) -> list[str]:
    """Return the words of the App that make up a compound, or its known end or beginning.

    Args:
        word: a word that no chunk contains.
        known: parts of it with the words of the App that they are forms of.
    """
    ways = [way for way in splits(word) if any(part in known for part in way)]
    if not ways:
        return []
    # Two known parts are better than one. If there is only one, the end is better: it says what the thing is.
    best = max(ways, key=lambda way: (all(part in known for part in way), way[1] in known, _known_chars(way, known)))
    return [known[part] for part in best if part in known]


def _known_chars(way: Sequence[str], known: Mapping[str, str]) -> int:
    return sum(len(part) for part in way if part in known)


def _errors(one: str, other: str, limit: int) -> int:
    """Return the number of letters to change, add, remove or swap; more than the limit if there are more.

    Optimal string alignment: the distance of Damerau and Levenshtein without a second change of the same letters.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, against in enumerate(other, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != against))
            is_swapped = row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against
            current.append(min(cost, before[column - 2] + 1) if is_swapped else cost)
        if min(current) > limit:
            return limit + 1
        before, last = last, current
    return last[-1]
