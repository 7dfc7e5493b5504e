"""Finds the words of a query that an App's documents do not contain."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

# If no chunk has this share of a query's words (function words do not count), a search by words finds little.
MIN_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query by the rules of one language.

    Attributes:
        word: as it is in the index.
        chunks: number of the App's chunks that contain it.
        positions: where it is in the query.
    """

    word: str
    chunks: int
    positions: Sequence[int]


def missing_words(words: Sequence[QueryWord], languages: int) -> list[str]:
    """Return the words that no chunk has in any form, if they are at least MIN_SHARE of the query.

    Args:
        words: the words of the query, by the rules of each language.
        languages: number of these languages. What is a function word in one of them does not count.
    """
    by_position: dict[int, list[QueryWord]] = defaultdict(list)
    for word in words:
        for position in word.positions:
            by_position[position].append(word)
    content_words = [forms for forms in by_position.values() if len(forms) >= languages]
    unknown = [forms for forms in content_words if not any(form.chunks for form in forms)]
    if len(unknown) < MIN_SHARE * len(content_words):
        return []
    return list(dict.fromkeys(form.word for forms in unknown for form in forms))
