"""Tells which words of a query an App's documents lack."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

# Of the words of a query that are no function words, the share that no chunk has: then words find little.
LITTLE_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query by the rules of one language.

    Attributes:
        word: as it is in the index.
        chunks: number of the App's chunks that contain it.
        places: its places in the query.
    """

    word: str
    chunks: int
    places: Sequence[int]


def lacking(words: Sequence[QueryWord], languages: int) -> list[str]:
    """Return the words that no chunk has in any form, if they are a good part of the query.

    Args:
        words: the words of the query, by the rules of each language.
        languages: number of these languages. What one of them takes for a function word is not missed.
    """
    by_place: dict[int, list[QueryWord]] = defaultdict(list)
    for word in words:
        for place in word.places:
            by_place[place].append(word)
    told = {place: forms for place, forms in by_place.items() if len(forms) >= languages}
    unknown = [forms for forms in told.values() if not any(form.chunks for form in forms)]
    if len(unknown) < LITTLE_SHARE * len(told):
        return []
    return list(dict.fromkeys(form.word for forms in unknown for form in forms))
