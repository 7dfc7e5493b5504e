"""Ranks the chunks of one App for a query: by words, and by meaning if there are vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps_registry.models.document import LANGUAGES
from apps_registry.retrieval import search_sql as sql
from apps_registry.retrieval.analysis.missing import QueryWord
from apps_registry.retrieval.analysis.text import QueryAnalysis, analyse_query
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.retrieval.forgiving import alternatives
from apps_registry.retrieval.terms import MAX_RANKED, Term, any_of, candidate_query, exact_terms, lexeme, rarity
from apps_registry.support import database

RANKING_LENGTH = 50
MAX_TERMS = 24
# Maximum number of vectors for an exact scan, which is then about as fast as the index.
EXACT_UP_TO = 10_000
LANGUAGE_MARKS = [f"\x02{language}" for language in LANGUAGES]

Ranking = dict[int, float]  # ids of chunks with their scores, the best first


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """The parameters of a search, from the App and the words of the query.

    Attributes:
        app_id: the App to search.
        total: number of its chunks.
        documents: ids of the documents to search; None: all documents of the App.
        chunks: number of chunks to search.
        terms: words with the number of the App's chunks that contain them, identifiers first, then rare words.
        exact: number of the first terms that are rare identifiers.
        weights: the weights, below 1, of terms that only resemble a word of the query.
        embedding: the App's embedding model.
        has_vectors: whether the database can store vectors.
    """

    app_id: int
    total: int
    documents: list[int] | None
    chunks: int
    terms: list[Term]
    exact: int
    weights: dict[str, float]
    embedding: EmbeddingConfig | None
    has_vectors: bool


async def make_plan(app_id: int, query: str, *, tag: str | None, documents: Sequence[int] | None) -> SearchPlan | None:
    """Return the plan of a search, or None if the App does not exist; for the arguments see `search`.

    Raises:
        psycopg.Error: as `database.read`.
    """
    analysis = analyse_query(query)
    filters = {"tag": tag, "documents": None if documents is None else list(documents)}
    asked = {"words": analysis.words, "tokens": analysis.tokens, "language_marks": LANGUAGE_MARKS}
    if not (rows := await database.read(sql.READ_PLAN, {"app_id": app_id, **asked, **filters})):
        return None
    (_, total, _, languages, document_ids, chunks, has_vectors, *embedding), *word_rows = rows
    config = EmbeddingConfig(*embedding) if embedding[0] is not None else None
    words = [QueryWord(word, count, positions or ()) for word, count, positions, *_ in word_rows]
    like = await alternatives(app_id, [word for word in words if word.positions], languages)
    counts = {word.word: word.chunks for word in words if word.chunks}
    added = {word: count for word, (count, _) in like.items() if word not in counts}
    terms, exact = _terms(analysis, counts, added, total)
    weights = {word: like[word][1] for word in added}
    if (tag is None and documents is None) or chunks == total:  # a list of all documents is no restriction
        return SearchPlan(app_id, total, None, total, terms, exact, weights, config, has_vectors)
    return SearchPlan(app_id, total, document_ids or [], chunks, terms, exact, weights, config, has_vectors)


def _terms(
    analysis: QueryAnalysis, counts: dict[str, int], added: dict[str, int], total: int
) -> tuple[list[Term], int]:
    """Return the terms, rare identifiers first and then rare words, and the number of the identifiers."""
    exact = exact_terms(analysis.identifiers, counts, total)[:MAX_TERMS]
    every = counts | added
    rare_first = sorted(every, key=lambda word: every[word])
    return [(word, every[word]) for word in dict.fromkeys([*exact, *rare_first])][:MAX_TERMS], len(exact)


async def by_words(plan: SearchPlan) -> tuple[Ranking, Ranking]:
    """Return the best chunks by the query's words, and those of them that contain its rare identifiers.

    Raises:
        psycopg.Error: as `database.read`.
    """
    if not plan.terms or not plan.chunks:
        return {}, {}
    values: dict[str, object] = {"app_id": plan.app_id, "documents": plan.documents, "limit": RANKING_LENGTH}
    for number, (word, count) in enumerate(plan.terms):
        values |= {
            f"term{number}": lexeme(word),
            f"idf{number}": plan.weights.get(word, 1.0) * rarity(count, plan.total),
        }
    # Only a share of the chunks with a word belongs to the selected documents, so the budget is larger.
    candidates = candidate_query(plan.terms, plan.total, budget=MAX_RANKED * max(1.0, plan.total / plan.chunks))
    rows = await _ranked(plan, values, candidates)
    if not rows and candidates != (any_word := any_of(plan.terms)):
        rows = await _ranked(plan, values, any_word)  # these documents may not contain the rare words
    return {chunk: score for chunk, score, _ in rows}, {chunk: exact for chunk, _, exact in rows if exact}


async def _ranked(plan: SearchPlan, values: dict[str, object], words: str) -> list[tuple[int, float, float]]:
    statement = sql.text_search(len(plan.terms), plan.exact, narrowed=plan.documents is not None)
    mark = lexeme(f"\x01{plan.app_id}")
    # A generic plan would not know how many chunks have these words.
    return await database.read(
        statement, {**values, "candidates": f"{mark} & ({words})", "candidates_limit": 2 * MAX_RANKED}, prepare=False
    )


async def by_vector(plan: SearchPlan, config: EmbeddingConfig, vector: str, *, exact: bool | None = None) -> Ranking:
    """Return the chunks with the nearest vectors.

    Args:
        plan: the plan of the search.
        config: the App's embedding model.
        vector: the query's vector in the text format of pgvector.
        exact: whether to scan every vector; None: if there are at most EXACT_UP_TO.

    Raises:
        psycopg.Error: as `database.read`.
    """
    rows: list[tuple[int, float]] = []
    values: dict[str, object] = {
        "app_id": plan.app_id,
        "documents": plan.documents,
        "limit": RANKING_LENGTH,
        "vector": vector,
    }
    narrowed = plan.documents is not None
    if not (plan.chunks <= EXACT_UP_TO if exact is None else exact):
        rows = await _indexed(sql.vector_search(config.dimensions, config.id, exact=False, narrowed=narrowed), values)
    # The index covers all Apps. Its scan may end before it reaches this App's vectors if another App has many near
    # copies.
    if len(rows) < min(RANKING_LENGTH, plan.chunks):
        statement = sql.vector_search(config.dimensions, config.id, exact=True, narrowed=narrowed)
        rows = await database.read(statement, values, prepare=False)
    return {chunk: 1 - distance for chunk, distance in sorted(rows, key=lambda row: row[1])}


async def _indexed(statement: str, values: dict[str, object]) -> list[tuple[int, float]]:
    async with database.pooled_connection() as connection:
        async with connection.pipeline(), connection.transaction():
            await connection.execute(sql.SCAN_SETTINGS)
            cursor = await connection.execute(statement, values, prepare=False)
        return await cursor.fetchall()
