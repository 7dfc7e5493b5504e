"""Searches the documents of one App: by words always, by meaning where there are vectors, the two ranks fused."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from apps_registry import database
from apps_registry.retrieval import sql
from apps_registry.retrieval.embeddings.base import EmbedderError
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.retrieval.ingest import to_sql
from apps_registry.retrieval.passages import Found, Passage, fuse

CANDIDATES = 50  # of each ranking
MAX_QUERY_CHARS = 2000
MAX_TERMS = 24
# Words lead to chunks while there are not more than so many of them; rare words come first, and tell more anyway.
MAX_RANKED = 1000
# Up to so many vectors of an App, looking at each is quicker than the index, and exact.
EXACT_UP_TO = 10_000
EMBED_SECONDS = 5.0

Ranking = dict[int, float]
Only = dict[str, object]  # what narrows a search: a tag, ids of documents; None: it does not


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the App and the query's words say about how to search."""

    total: int
    terms: list[tuple[str, int]]  # words with the number of chunks that hold them, rare ones first
    embedding: EmbeddingConfig | None


async def search(
    app_id: int, query: str, *, tag: str | None = None, documents: Sequence[int] | None = None, limit: int = 5
) -> Found:
    """Return the passages of this App's documents that fit a query best.

    Args:
        app_id: whose documents; those of others are never looked at.
        query: a question or words, in the App's language.
        tag: only documents with this tag.
        documents: only documents with these ids; None: all of the App.
        limit: how many passages.

    Raises:
        psycopg.Error: as `database.execute`. An embedder that is down is no error: words alone decide then.
    """
    query = query.replace("\x00", "").encode("utf-8", "replace").decode()[:MAX_QUERY_CHARS]
    plan = await _plan(app_id, query)
    only: Only = {"tag": tag, "documents": None if documents is None else list(documents)}
    (by_vector, note), by_text = await asyncio.gather(
        _by_vector(app_id, query, plan, only), _by_text(app_id, plan, only)
    )
    best = fuse(list(by_text), list(by_vector))[:limit]
    return Found(await _passages(app_id, best, by_text, by_vector), note)


async def _plan(app_id: int, query: str) -> _Plan:
    rows = await database.read(sql.READ_PLAN, {"app_id": app_id, "query": query})
    if not rows:
        return _Plan(0, [], None)
    (_, total, *embedding), *words = rows
    config = EmbeddingConfig(*embedding) if embedding[0] is not None else None
    return _Plan(total, [(word, count) for word, count, *_ in words if count][:MAX_TERMS], config)


async def _by_text(app_id: int, plan: _Plan, only: Only) -> Ranking:
    if not plan.terms:
        return {}
    values: dict[str, object] = {**only, "app_id": app_id, "limit": CANDIDATES, "candidates_limit": 2 * MAX_RANKED}
    for number, (word, count) in enumerate(plan.terms):
        values |= {f"term{number}": _term(word), f"idf{number}": _rarity(count, plan.total)}
    statement, mark = sql.text_search(len(plan.terms), tagged=_narrows(only)), _term(f"\x01{app_id}")
    for telling in _telling(plan.terms):
        if rows := await database.read(statement, {**values, "candidates": f"{mark} & ({telling})"}):
            return dict(rows)
    return {}


def _telling(terms: Sequence[tuple[str, int]]) -> list[str]:
    """Return which words lead to candidates, as queries of which the first that finds something counts.

    They are the rarest words, as many as lead to few enough chunks. When even the rarest leads to too many, those
    that hold another word too come first.
    """
    (rarest, budget), *others = terms
    chosen = [_term(rarest)]
    if budget > MAX_RANKED and others:
        return [f"{chosen[0]} & ({' | '.join(_term(word) for word, _ in others)})", *chosen]
    for word, count in others:
        budget += count
        if budget > MAX_RANKED:
            break
        chosen.append(_term(word))
    return [" | ".join(chosen)]


def _narrows(only: Only) -> bool:
    return any(value is not None for value in only.values())


def _rarity(count: int, total: int) -> float:
    """Return the inverse document frequency of Okapi BM25."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _term(word: str) -> str:
    """Return a lexeme as a tsquery of its own."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


async def _by_vector(app_id: int, query: str, plan: _Plan, only: Only) -> tuple[Ranking, str]:
    """Return the ranking, and why there is none."""
    config = plan.embedding
    if config is None or not plan.total:
        return {}, ""
    if not config.is_prompt():
        return {}, "By words only: the embedded embedding model is not downloaded yet."
    ((enabled,),) = await database.read(sql.ENABLE_VECTORS)
    if not enabled:
        return {}, "By words only: this PostgreSQL does not have pgvector 0.8 or newer."
    try:
        async with asyncio.timeout(EMBED_SECONDS):
            vectors = to_sql(await config.embedder.embed([query]))
    except EmbedderError as error:
        return {}, f"By words only: {error}"
    except TimeoutError:
        return {}, "By words only: the embedding model takes too long."
    statement = sql.vector_search(config.dimensions, config.id, exact=plan.total <= EXACT_UP_TO, tagged=_narrows(only))
    values = {**only, "app_id": app_id, "limit": CANDIDATES, "vector": vectors[0]}
    async with database.borrowed() as connection, connection.transaction():
        # Without it the index gives its nearest of all Apps, of which the filter leaves few or none.
        await connection.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
        rows = await (await connection.execute(statement, values)).fetchall()
    return dict(sorted(rows, key=lambda row: -row[1])), ""


async def _passages(
    app_id: int, best: Sequence[tuple[int, float]], by_text: Ranking, by_vector: Ranking
) -> list[Passage]:
    rows = await database.read(sql.READ_PASSAGES, {"app_id": app_id, "ids": [found for found, _ in best]})
    by_id = {row[0]: row for row in rows}
    found = []
    for chunk_id, score in best:
        if chunk_id not in by_id:  # replaced since it was found
            continue
        _, document_id, title, heading, text, first_page, last_page, first_line, last_line = by_id[chunk_id]
        pages = (first_page, last_page) if first_page is not None else None
        lines = (first_line, last_line) if first_line is not None else None
        scores = by_text.get(chunk_id), by_vector.get(chunk_id), score
        found.append(Passage(chunk_id, document_id, title, heading, text, pages, lines, *scores))
    return found
