"""Finds words of an App that are similar to words of a query: for typing errors and parts of compounds."""

from collections import defaultdict
from collections.abc import Sequence

from apps_registry.retrieval import search_sql as sql
from apps_registry.retrieval.analysis import similar
from apps_registry.retrieval.analysis.missing import QueryWord, missing_words
from apps_registry.support import database

SEPARATOR = "\x1f"
MAX_WORDS = 12


async def alternatives(
    app_id: int, words: Sequence[QueryWord], languages: Sequence[str]
) -> dict[str, tuple[int, float]]:
    """Return words of the App that the query may mean, each with the number of its chunks and a weight below 1.

    Args:
        app_id: the App to search.
        words: the words of the query, by the rules of each language.
        languages: the names of these languages.

    Raises:
        psycopg.Error: as `database.read`.
    """
    unknown = [word for word in missing_words(words, len(languages)) if len(word) >= similar.MIN_CHARS][:MAX_WORDS]
    compounding = next((language for language in languages if language in similar.COMPOUNDING), None)
    known = [word.word for word in words if word.chunks] if compounding else []
    whole = [word for word in dict.fromkeys([*unknown, *known]) if len(word) >= similar.MIN_CHARS][:MAX_WORDS]
    if not whole:
        return {}
    pieces = [(word, piece) for word in unknown for piece in similar.typo_pieces(word)]
    pieces += [(word, piece) for word in whole if compounding for piece in similar.part_pieces(word)]
    split = {part for word in unknown for way in similar.splits(word) for part in way} if compounding else set()
    rows = await database.read(
        sql.READ_SIMILAR,
        {
            "app_id": app_id,
            "words": [word for word, _ in pieces],
            "grams": [SEPARATOR.join(f"{app_id}:{gram}" for gram in piece) for _, piece in pieces],
            "parts": sorted(split),
            "language": compounding or "simple",
        },
    )
    return _chosen(unknown, whole if compounding else [], rows)


def _chosen(
    unknown: Sequence[str], whole: Sequence[str], rows: Sequence[tuple[str, str, int, bool]]
) -> dict[str, tuple[int, float]]:
    counts = {word: chunks for _, word, chunks, _ in rows}
    like: dict[str, dict[str, int]] = defaultdict(dict)
    known_parts: dict[str, str] = {}
    for asked, word, chunks, is_part in rows:
        if is_part:
            known_parts[asked] = word
        else:
            like[asked][word] = chunks
    chosen: dict[str, float] = {}
    for word in dict.fromkeys([*unknown, *whole]):
        matches = similar.compounds(word, like[word]) if word in whole else []
        weight = similar.PART_WEIGHT
        if not matches and word in unknown:
            matches, weight = similar.corrections(word, like[word]), similar.TYPO_WEIGHT
        if not matches and word in unknown:
            matches, weight = similar.parts(word, known_parts), similar.PART_WEIGHT
        chosen |= dict.fromkeys(matches, weight)
    return {word: (counts[word], weight) for word, weight in chosen.items()}
