"""The SQL statements of ingest and search. All except CLAIM, which searches for work, are restricted to one App."""

from apps_registry.models.document import DETECTED
from apps_registry.retrieval.analysis import INDEX_VERSION
from apps_registry.retrieval.embeddings.choice import COLUMNS, JOINS

# The language that is set for a document `d` of an App `a`, empty if it is to be detected; and the resulting one.
_SET_LANGUAGE = f"coalesce(nullif(d.language_choice, ''), nullif(a.document_language, '{DETECTED}'), '')"
_LANGUAGE = f"coalesce(nullif({_SET_LANGUAGE}, ''), d.detected_language)"

# A document needs work if it is queued, if the lease of its ingest has expired, or if its chunks were indexed with
# another language or embedding model than it has now, or by an older version of the server.
CLAIM = f"""
UPDATE apps_registry_document d SET
    lease_id = %(lease_id)s,
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s),
    attempts = d.attempts + 1,
    state = CASE WHEN d.state = 'queued' THEN 'processing' ELSE d.state END,
    progress = CASE WHEN d.state = 'queued' THEN 0 ELSE d.progress END
WHERE d.id = (
    SELECT d.id FROM apps_registry_document d JOIN apps_registry_app a ON a.id = d.app_id
    WHERE (d.lease_expires_at IS NULL OR d.lease_expires_at < clock_timestamp())
      AND (d.retry_at IS NULL OR d.retry_at < clock_timestamp())
      AND (
        d.state IN ('queued', 'processing')
        OR d.state = 'ready' AND (
            d.language <> {_LANGUAGE} OR d.index_version < {INDEX_VERSION}
            OR d.embedding_model_id IS DISTINCT FROM a.embedding_model_id
        )
      )
      AND (%(app_id)s::bigint IS NULL OR d.app_id = %(app_id)s)
    ORDER BY d.queued_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED
)
RETURNING d.id, d.app_id, d.name, d.state, d.attempts
"""

# A renewal that runs after the end of the ingest must not reset the progress.
RENEW = """
UPDATE apps_registry_document
SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s),
    progress = CASE WHEN state = 'processing' THEN %(progress)s ELSE progress END
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
RETURNING id
"""

RELEASE = """
UPDATE apps_registry_document
SET lease_id = NULL, lease_expires_at = NULL, attempts = 0, warning = '', retry_at = NULL
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

# The server stops: another worker may continue at once.
GIVE_BACK = """
UPDATE apps_registry_document SET lease_id = NULL, lease_expires_at = NULL, attempts = greatest(0, attempts - 1)
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

FAIL = """
UPDATE apps_registry_document
SET state = 'failed', error = %(error)s, reader_version = %(reader)s, lease_id = NULL, lease_expires_at = NULL,
    attempts = 0, retry_at = NULL
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

# The delay doubles with each attempt, up to an hour.
POSTPONE = """
UPDATE apps_registry_document
SET warning = %(warning)s, lease_id = NULL, lease_expires_at = NULL,
    retry_at = clock_timestamp() + make_interval(secs => least(3600, 15 * power(2, least(attempts, 10))))
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

READ_FILE = """
SELECT f.data FROM apps_registry_documentfile f JOIN apps_registry_document d ON d.id = f.document_id
WHERE d.id = %(id)s AND d.app_id = %(app_id)s AND d.lease_id = %(lease_id)s
"""

# The following statements run in one transaction, so that search finds the old chunks until the new ones are stored.
LOCK = f"""
SELECT d.title, {_SET_LANGUAGE} FROM apps_registry_document d JOIN apps_registry_app a ON a.id = d.app_id
WHERE d.id = %(id)s AND d.app_id = %(app_id)s AND d.lease_id = %(lease_id)s FOR UPDATE OF d
"""

DELETE_CHUNKS = "DELETE FROM apps_registry_documentchunk WHERE document_id = %(id)s AND app_id = %(app_id)s"

# Stemmed words; tokens, which are not stemmed; and marks that count the App's chunks, and its chunks in each language.
_SEARCH_VECTOR = """
setweight(to_tsvector(%(language)s::regconfig, new.head_words), 'B') || new.head_tokens::tsvector
|| to_tsvector(%(language)s::regconfig, new.words) || new.tokens::tsvector
|| array_to_tsvector(ARRAY[chr(1) || %(app_id)s, chr(2) || %(language)s])
"""

INSERT_CHUNKS = f"""
INSERT INTO apps_registry_documentchunk
    (app_id, document_id, position, heading, text, first_page, last_page, first_line, last_line, search)
SELECT %(app_id)s, %(id)s, new.position - 1, new.heading, new.text, new.first_page, new.last_page, new.first_line,
    new.last_line, {_SEARCH_VECTOR}
FROM unnest(
    %(headings)s::text[], %(texts)s::text[], %(first_pages)s::int[], %(last_pages)s::int[], %(first_lines)s::int[],
    %(last_lines)s::int[], %(head_words)s::text[], %(head_tokens)s::text[], %(words)s::text[], %(tokens)s::text[]
) WITH ORDINALITY new (
    heading, text, first_page, last_page, first_line, last_line, head_words, head_tokens, words, tokens, position
)
"""

MARK_READY = """
UPDATE apps_registry_document
SET state = 'ready', progress = 100, error = '', warning = '', title = %(title)s, hidden_text = %(hidden)s,
    losses = %(losses)s, reader_version = %(reader)s,
    chunk_count = %(count)s, embedding_model_id = NULL, attempts = 1, ingested_at = clock_timestamp()
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

READ_CHUNKS = """
SELECT c.id, c.heading, c.text FROM apps_registry_documentchunk c
WHERE c.document_id = %(id)s AND c.app_id = %(app_id)s ORDER BY c.position
"""

REINDEX_CHUNKS = f"""
UPDATE apps_registry_documentchunk c SET search = {_SEARCH_VECTOR}
FROM unnest(
    %(chunks)s::bigint[], %(head_words)s::text[], %(head_tokens)s::text[], %(words)s::text[], %(tokens)s::text[]
) new (id, head_words, head_tokens, words, tokens)
WHERE c.id = new.id AND c.document_id = %(id)s AND c.app_id = %(app_id)s
"""

MARK_INDEXED = f"""
UPDATE apps_registry_document SET language = %(language)s, detected_language = %(detected)s,
    index_version = {INDEX_VERSION}
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

READ_SETTINGS = f"""
SELECT d.title, d.language = {_LANGUAGE} AND d.index_version >= {INDEX_VERSION}, d.embedding_model_id, {COLUMNS}
FROM apps_registry_document d JOIN apps_registry_app a ON a.id = d.app_id {JOINS}
WHERE d.id = %(id)s AND d.app_id = %(app_id)s AND d.lease_id = %(lease_id)s
"""

ENABLE_VECTORS = "SELECT apps_registry_enable_vectors()"
INDEX_VECTORS = "SELECT apps_registry_index_vectors(%(model)s, %(dimensions)s)"

READ_UNEMBEDDED = """
SELECT c.id, c.heading, c.text FROM apps_registry_documentchunk c
WHERE c.document_id = %(id)s AND c.app_id = %(app_id)s AND NOT EXISTS (
    SELECT 1 FROM apps_registry_chunkvector v WHERE v.chunk_id = c.id AND v.embedding_model_id = %(model)s
)
ORDER BY c.position LIMIT %(batch)s
"""

# Chunks that were deleted in the meantime get no vector.
INSERT_VECTORS = """
INSERT INTO apps_registry_chunkvector (chunk_id, embedding_model_id, app_id, embedding)
SELECT c.id, %(model)s, c.app_id, new.embedding::halfvec
FROM unnest(%(chunks)s::bigint[], %(vectors)s::text[]) new (chunk_id, embedding)
JOIN apps_registry_documentchunk c ON c.id = new.chunk_id AND c.app_id = %(app_id)s
ON CONFLICT DO NOTHING
"""

FORGET_VECTORS = """
DELETE FROM apps_registry_chunkvector v USING apps_registry_documentchunk c
WHERE c.id = v.chunk_id AND c.document_id = %(id)s AND v.app_id = %(app_id)s
  AND v.embedding_model_id IS DISTINCT FROM %(model)s
"""

MARK_EMBEDDED = """
UPDATE apps_registry_document SET embedding_model_id = %(model)s, warning = ''
WHERE id = %(id)s AND app_id = %(app_id)s AND lease_id = %(lease_id)s
"""

# --- Search -----------------------------------------------------------------------------------------

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
    """
    weights = "'{0.1, 0.1, 0.3, 1}'"  # labels D to A: a word in a heading has three times the weight
    rank = " + ".join(f"%(idf{n})s::float8 * ts_rank({weights}, c.search, %(term{n})s::tsquery)" for n in range(terms))
    first = " + ".join(f"%(idf{n})s::float8 * (c.search @@ %(term{n})s::tsquery)::int" for n in range(exact))
    return f"""
    SELECT c.id, ({rank}) / (0.25 + 0.75 * length(c.search)::float8 / {AVERAGE_WORDS}) AS score,
        {first or "0.0"} AS exact
    FROM (
        SELECT c.id, c.search FROM apps_registry_documentchunk c
        WHERE c.app_id = %(app_id)s AND c.search @@ %(candidates)s::tsquery
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
# many near copies, the default ef_search of 40 finds 62 % of the nearest five, 400 finds 90 %, 800 finds 94 to
# 98 % (builds of the index differ), and 1,000, the most that pgvector allows, 97 % for two fifths more time. JIT
# is off, since the planner overestimates the cost of a search that takes a few milliseconds.
SCAN_SETTINGS = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', '100000', true),
    set_config('hnsw.scan_mem_multiplier', '8', true), set_config('hnsw.ef_search', '1000', true),
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
