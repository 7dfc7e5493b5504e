"""Searches the documents of one App: by words always, by meaning where there are vectors, the two ranks fused."""

import asyncio
from collections.abc import Sequence

from apps_registry.retrieval import sql
from apps_registry.retrieval.embeddings.base import EmbedderError
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.retrieval.ingest import to_sql
from apps_registry.retrieval.passages import Found, Passage, fuse
from apps_registry.retrieval.rankings import Ranking, SearchPlan, by_vector, by_words, make_plan
from apps_registry.support import database
from apps_registry.support.outside_text import storable

MAX_QUERY_CHARS = 2000
EMBED_SECONDS = 5.0


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
    query = storable(query)[:MAX_QUERY_CHARS]
    plan = await make_plan(app_id, query, tag=tag, documents=documents)
    if plan is None or not plan.chunks:
        return Found([])
    (near, note), worded = await asyncio.gather(_near(plan, query), by_words(plan))
    best = fuse(list(worded), list(near))[:limit]
    return Found(await _passages(app_id, documents, best, worded, near), note)


async def _near(plan: SearchPlan, query: str) -> tuple[Ranking, str]:
    """Return the ranking by meaning, and why there is none."""
    config = plan.embedding
    if config is None or not query.strip():
        return {}, ""
    if not config.is_prompt():
        return {}, "By words only: the embedded embedding model is not downloaded yet."
    if not plan.has_vectors and not await _can_have_vectors():
        return {}, "By words only: this PostgreSQL does not have pgvector 0.8 or newer."
    try:
        return await by_vector(plan, config, await query_vector(config, query)), ""
    except EmbedderError as error:
        return {}, f"By words only: {error}"


async def _can_have_vectors() -> bool:
    ((enabled,),) = await database.read(sql.ENABLE_VECTORS)
    return bool(enabled)


async def query_vector(config: EmbeddingConfig, query: str) -> str:
    """Return a query's vector as pgvector writes it.

    Raises:
        EmbedderError: there is none now, or not in time.
    """
    try:
        async with asyncio.timeout(EMBED_SECONDS):
            return to_sql(await config.embedder.embed([query]))[0]
    except TimeoutError:
        raise EmbedderError("the embedding model takes too long.") from None


async def _passages(
    app_id: int,
    documents: Sequence[int] | None,
    best: Sequence[tuple[int, float]],
    worded: Ranking,
    near: Ranking,
) -> list[Passage]:
    # Once more only those that were named: the plan may have found that they are all, before another one was read.
    only = None if documents is None else list(documents)
    found_ids = [found for found, _ in best]
    rows = await database.read(sql.READ_PASSAGES, {"app_id": app_id, "ids": found_ids, "documents": only})
    by_id = {row[0]: row for row in rows}
    found = []
    for chunk_id, score in best:
        if chunk_id not in by_id:  # replaced since it was found
            continue
        _, document_id, title, heading, text, first_page, last_page, first_line, last_line = by_id[chunk_id]
        pages = (first_page, last_page) if first_page is not None else None
        lines = (first_line, last_line) if first_line is not None else None
        scores = worded.get(chunk_id), near.get(chunk_id), score
        found.append(Passage(chunk_id, document_id, title, heading, text, pages, lines, *scores))
    return found
