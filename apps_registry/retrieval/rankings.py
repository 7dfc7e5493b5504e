"""Ranks the chunks of one App for a query: by words, and by meaning where there are vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps_registry.retrieval import sql
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.retrieval.terms import MAX_RANKED, Term, any_of, lexeme, rarity, telling
from apps_registry.support import database

BEST = 50  # of each ranking
MAX_TERMS = 24
# Up to so many vectors, looking at each is about as quick as the index, and exact.
EXACT_UP_TO = 10_000

Ranking = dict[int, float]  # ids of chunks with what they score, the best first


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What the App and the query's words say about how to search.

    Attributes:
        app_id: whose chunks.
        total: how many it has.
        documents: ids of the only ones to search; None: all of the App.
        chunks: how many are searched.
        terms: words with the number of the App's chunks that hold them, rare ones first.
        embedding: the App's embedding model.
        has_vectors: whether the database can hold vectors.
    """

    app_id: int
    total: int
    documents: list[int] | None
    chunks: int
    terms: list[Term]
    embedding: EmbeddingConfig | None
    has_vectors: bool


async def make_plan(app_id: int, query: str, *, tag: str | None, documents: Sequence[int] | None) -> SearchPlan | None:
    """Return how to search, or None when there is no such App; the arguments are those of `search`.

    Raises:
        psycopg.Error: as `database.read`.
    """
    narrow = {"tag": tag, "documents": None if documents is None else list(documents)}
    if not (rows := await database.read(sql.READ_PLAN, {"app_id": app_id, "query": query, **narrow})):
        return None
    (_, total, found, chunks, has_vectors, *embedding), *words = rows
    config = EmbeddingConfig(*embedding) if embedding[0] is not None else None
    terms = [(word, count) for word, count, *_ in words if count][:MAX_TERMS]
    if (tag is None and documents is None) or chunks == total:  # all documents are no narrower than none named
        return SearchPlan(app_id, total, None, total, terms, config, has_vectors)
    return SearchPlan(app_id, total, found or [], chunks, terms, config, has_vectors)


async def by_words(plan: SearchPlan) -> Ranking:
    """Return the best chunks by the query's words.

    Raises:
        psycopg.Error: as `database.read`.
    """
    if not plan.terms or not plan.chunks:
        return {}
    values: dict[str, object] = {"app_id": plan.app_id, "documents": plan.documents, "limit": BEST}
    for number, (word, count) in enumerate(plan.terms):
        values |= {f"term{number}": lexeme(word), f"idf{number}": rarity(count, plan.total)}
    # Of the chunks that hold a word, those of a few documents are only a share.
    chosen = telling(plan.terms, plan.total, budget=MAX_RANKED * max(1.0, plan.total / plan.chunks))
    rows = await _ranked(plan, values, chosen)
    if not rows and chosen != (every := any_of(plan.terms)):
        rows = await _ranked(plan, values, every)  # these documents may hold none of the telling words
    return dict(rows)


async def _ranked(plan: SearchPlan, values: dict[str, object], words: str) -> list[tuple[int, float]]:
    statement = sql.text_search(len(plan.terms), narrowed=plan.documents is not None)
    mark = lexeme(f"\x01{plan.app_id}")
    # A plan for any words at all would read the index of the App's chunks along, which costs more than the search.
    return await database.read(
        statement, {**values, "candidates": f"{mark} & ({words})", "candidates_limit": 2 * MAX_RANKED}, prepare=False
    )


async def by_vector(plan: SearchPlan, config: EmbeddingConfig, vector: str, *, exact: bool | None = None) -> Ranking:
    """Return the chunks whose vectors are nearest.

    Args:
        plan: of the search.
        config: the App's embedding model.
        vector: the query's, as pgvector writes it.
        exact: look at every vector; None: when they are few enough.

    Raises:
        psycopg.Error: as `database.read`.
    """
    rows: list[tuple[int, float]] = []
    values: dict[str, object] = {"app_id": plan.app_id, "documents": plan.documents, "limit": BEST, "vector": vector}
    narrowed = plan.documents is not None
    if not (plan.chunks <= EXACT_UP_TO if exact is None else exact):
        rows = await _indexed(sql.vector_search(config.dimensions, config.id, exact=False, narrowed=narrowed), values)
    # The index of all Apps may give up before it comes upon this one's, behind many near copies of another's.
    if len(rows) < min(BEST, plan.chunks):
        statement = sql.vector_search(config.dimensions, config.id, exact=True, narrowed=narrowed)
        rows = await database.read(statement, values, prepare=False)
    return {chunk: 1 - distance for chunk, distance in sorted(rows, key=lambda row: row[1])}


async def _indexed(statement: str, values: dict[str, object]) -> list[tuple[int, float]]:
    async with database.pooled_connection() as connection:
        async with connection.pipeline(), connection.transaction():
            await connection.execute(sql.SCAN_SETTINGS)
            cursor = await connection.execute(statement, values, prepare=False)
        return await cursor.fetchall()
