"""Searches the documents of one App by words, and by meaning if there are vectors, and fuses the two rankings."""

import asyncio
from collections.abc import Sequence

from apps_registry.extraction.blocks import composed
from apps_registry.retrieval import search_sql as sql
from apps_registry.retrieval.embeddings.base import EmbedderError
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.retrieval.ingest import to_sql
from apps_registry.retrieval.ingest_sql import ENABLE_VECTORS
from apps_registry.retrieval.passages import Passage, SearchResult, fuse
from apps_registry.retrieval.rankings import Ranking, SearchPlan, by_vector, by_words, make_plan
from apps_registry.support import database
from apps_registry.support.text.outside_text import storable

MAX_QUERY_CHARS = 2000
EMBED_SECONDS = 5.0


async def search(
    app_id: int, query: str, *, tag: str | None = None, documents: Sequence[int] | None = None, limit: int = 5
) -> SearchResult:
    """Return the best passages of an App's documents for a query.

    Args:
        app_id: the App to search; documents of other Apps are never used.
        query: a question or words, in the App's language.
        tag: search only documents with this tag.
        documents: search only documents with these ids; None: all documents of the App.
        limit: maximum number of passages.

    Raises:
        psycopg.Error: as `database.execute`. An unavailable embedder is not an error: the search is then by words only.
    """
    query = composed(storable(query))[:MAX_QUERY_CHARS]
    plan = await make_plan(app_id, query, tag=tag, documents=documents)
    if plan is None or not plan.chunks:
        return SearchResult([])
    (near, note), (worded, exact) = await asyncio.gather(_near(plan, query), by_words(plan))
    best = fuse(list(worded), list(near), first=exact)[:limit]
    return SearchResult(await _passages(app_id, documents, best, worded, near), note)


async def _near(plan: SearchPlan, query: str) -> tuple[Ranking, str]:
    """Return the ranking by meaning, and the reason if there is none."""
    config = plan.embedding
    if config is None or not query.strip():
        return {}, ""
    if not config.is_ready():
        return {}, "Search by words only: the embedded embedding model is not installed yet."
    if not config.knows(query):
        return {}, "Search by words only: the embedding model does not know the language of the query."
    if not plan.has_vectors and not await _can_have_vectors():
        return {}, "Search by words only: this PostgreSQL does not have pgvector 0.8 or newer."
    try:
        return await by_vector(plan, config, await query_vector(config, query)), ""
    except EmbedderError as error:
        return {}, f"Search by words only: {error}"


async def _can_have_vectors() -> bool:
    ((enabled,),) = await database.read(ENABLE_VECTORS)
    return bool(enabled)


async def query_vector(config: EmbeddingConfig, query: str) -> str:
    """Return a query's vector in the text format of pgvector.

    Raises:
        EmbedderError: the vector is unavailable, or takes too long.
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
    # The filter is applied again: a document may have been added after the plan found that these are all.
    document_ids = None if documents is None else list(documents)
    chunk_ids = [chunk_id for chunk_id, _ in best]
    rows = await database.read(sql.READ_PASSAGES, {"app_id": app_id, "ids": chunk_ids, "documents": document_ids})
    by_id = {row[0]: row for row in rows}
    passages = []
    for chunk_id, score in best:
        if chunk_id not in by_id:  # replaced since the search
            continue
        _, document_id, title, heading, text, first_page, last_page, first_line, last_line = by_id[chunk_id]
        pages = (first_page, last_page) if first_page is not None else None
        lines = (first_line, last_line) if first_line is not None else None
        scores = worded.get(chunk_id), near.get(chunk_id), score
        passages.append(Passage(chunk_id, document_id, title, heading, text, pages, lines, *scores))
    return passages
