"""The SQL statements of ingest. All except CLAIM, which searches for work, are restricted to one App."""

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
