"""The SQL statements of search. All are restricted to one App."""

from apps_registry.models.document import DETECTED
from apps_registry.retrieval.embeddings.choice import COLUMNS, JOINS

# The words of the query with the number of the App's chunks that contain them; the first row counts all its chunks.
# The query is stemmed by the rules of each language of the App's chunks, and of the App's own language. Documents are
# listed only if the search is restricted. The count is a subquery, since a join becomes a scan of all words of the App
# in a generic plan: 6 ms for 67,000 words.
READ_PLAN = f"""
SELECT word.lexeme, coalesce(word.chunks, 0), word.places, used.languages, narrow.documents, narrow.chunks,
    to_regclass('apps_registry_chunkvector') IS NOT NULL, {COLUMNS}
FROM apps_registry_app a {JOINS}
CROSS JOIN LATERAL (
    SELECT array_agg(d.id) AS documents, coalesce(sum(d.chunk_count), 0) AS chunks FROM apps_registry_document d
    WHERE d.app_id = a.id AND NOT (%(tag)s::text IS NULL AND %(documents)s::bigint[] IS NULL)
        AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY (d.tags))
        AND (%(documents)s::bigint[] IS NULL OR d.id = ANY (%(documents)s::bigint[]))
) narrow
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(language), '{{}}') AS languages FROM (
        SELECT substr(m.word, 2) AS language FROM apps_registry_chunkword m
        WHERE m.app_id = a.id AND m.word = ANY (%(language_marks)s::text[])
        UNION SELECT a.document_language WHERE a.document_language <> '{DETECTED}'
    ) one
) used
CROSS JOIN LATERAL (
    SELECT lexeme, array_agg(place) FILTER (WHERE place > 0) AS places, (
        SELECT kept.chunks FROM apps_registry_chunkword kept WHERE kept.app_id = %(app_id)s AND kept.word = lexeme
    ) AS chunks FROM (
        SELECT one.lexeme, unnest(one.positions) AS place
        FROM unnest(used.languages) language, unnest(to_tsvector(language::regconfig, %(words)s)) one
        UNION ALL SELECT unnest(%(tokens)s::text[]), 0
        UNION ALL SELECT chr(1) || a.id, 0
    ) every GROUP BY lexeme
) word
WHERE a.id = %(app_id)s
ORDER BY word.lexeme = chr(1) || a.id DESC, word.chunks
"""

# Words of the App that contain all groups of three letters of a piece of a word; and words that are forms of a part of
# a word. The groups contain the App's id, and `+ 0` hides the App from the planner, so that it uses the index of the
# groups.
READ_SIMILAR = """
SELECT asked.word, near.word, near.chunks, false
FROM unnest(%(words)s::text[], %(grams)s::text[]) asked (word, grams) CROSS JOIN LATERAL (
    SELECT k.word, k.chunks FROM apps_registry_chunkword k
    WHERE apps_registry_word_grams(k.app_id, k.word) @> string_to_array(asked.grams, chr(31))
        AND k.app_id + 0 = %(app_id)s
    LIMIT 500
) near
UNION
SELECT part.word, known.word, known.chunks, true
FROM unnest(%(parts)s::text[]) part (word)
CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector(%(language)s::regconfig, part.word))) form (lexeme)
CROSS JOIN LATERAL (
    SELECT k.word, k.chunks FROM apps_registry_chunkword k
    WHERE k.app_id = %(app_id)s AND k.word = form.lexeme LIMIT 1
) known
"""

# For Okapi BM25 with b = 0.75, which favours short chunks: the number of words in a full chunk of English.
AVERAGE_WORDS = 100.0


def text_search(terms: int, exact: int, *, narrowed: bool) -> str:
    """Return the statement that searches by words: rare words select candidates, and all words rank them.

    Args:
        terms: number of words.
        exact: number of the first of these words that are rare identifiers: chunks with one come before all others.
        narrowed: whether to search only listed documents.

    The words contain the App's mark. `+ 0` hides the App from the planner: otherwise it also scans the index of the
    App's chunks if the words are common, which takes 7 ms for 100,000 chunks.
    """
    weights = "'{0.1, 0.1, 0.3, 1}'"  # labels D to A: a word in a heading has three times the weight
    rank = " + ".join(f"%(idf{n})s::float8 * ts_rank({weights}, c.search, %(term{n})s::tsquery)" for n in range(terms))
    first = " + ".join(f"%(idf{n})s::float8 * (c.search @@ %(term{n})s::tsquery)::int" for n in range(exact))
    return f"""
    SELECT c.id, ({rank}) / (0.25 + 0.75 * length(c.search)::float8 / {AVERAGE_WORDS}) AS score,
        {first or "0.0"} AS exact
    FROM (
        SELECT c.id, c.search FROM apps_registry_documentchunk c
        WHERE c.app_id + 0 = %(app_id)s AND c.search @@ %(candidates)s::tsquery
        {"AND c.document_id = ANY (%(documents)s::bigint[])" if narrowed else ""}
        LIMIT %(candidates_limit)s
    ) c
    ORDER BY exact DESC, score DESC, c.id LIMIT %(limit)s
    """


# For the exact scan, a list of the chunks; for the index scan, a check of each result.
_IN_LISTED_DOCUMENTS = """
AND v.chunk_id IN (
    SELECT c.id FROM apps_registry_documentchunk c
    WHERE c.app_id = %(app_id)s AND c.document_id = ANY (%(documents)s::bigint[])
)
"""
_IS_IN_LISTED_DOCUMENT = """
AND (
    SELECT c.document_id FROM apps_registry_documentchunk c WHERE c.id = v.chunk_id AND c.app_id = %(app_id)s
) = ANY (%(documents)s::bigint[])
"""

# Settings of the transaction. Without iterative scans the index returns the nearest vectors of all Apps, of which the
# filter leaves few or none; with them an App with one chunk in a thousand gets its results. Among 100,000 chunks with
# many near copies, ef_search finds this share of the nearest five, in indexes with the default ef_construction of 64,
# and with 160, which migration 0127 sets:
#     400: 94 %, 96 %    600: 95 %, 97 %    800: 97 %, 99 %
# (builds of the index differ). 800 takes a fifth more time than 600. JIT is off, since the planner overestimates the
# cost of a search that takes a few milliseconds.
SCAN_SETTINGS = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', '100000', true),
    set_config('hnsw.scan_mem_multiplier', '8', true), set_config('hnsw.ef_search', '600', true),
    set_config('jit', 'off', true)
"""


def vector_search(dimensions: int, model: int, *, exact: bool, narrowed: bool) -> str:
    """Return the statement that searches by vector and returns cosine distances.

    Args:
        dimensions: length of the vectors of the App's embedding model.
        model: its id, written into the statement so that the planner can use its partial index.
        exact: scan every vector of the App instead of the index over all Apps.
        narrowed: whether to search only listed documents.
    """
    distance = f"v.embedding::halfvec({int(dimensions)}) <=> %(vector)s::halfvec({int(dimensions)})"
    return f"""
    SELECT v.chunk_id, {f"({distance}) + 0" if exact else distance} AS distance FROM apps_registry_chunkvector v
    WHERE v.app_id = %(app_id)s AND v.embedding_model_id = {int(model)}
    {(_IN_LISTED_DOCUMENTS if exact else _IS_IN_LISTED_DOCUMENT) if narrowed else ""}
    ORDER BY distance LIMIT %(limit)s
    """


READ_PASSAGES = """
SELECT c.id, d.id, d.title, c.heading, c.text, c.first_page, c.last_page, c.first_line, c.last_line
FROM apps_registry_documentchunk c JOIN apps_registry_document d ON d.id = c.document_id
WHERE c.app_id = %(app_id)s AND d.app_id = %(app_id)s AND c.id = ANY(%(ids)s)
    AND (%(documents)s::bigint[] IS NULL OR d.id = ANY (%(documents)s::bigint[]))
"""
