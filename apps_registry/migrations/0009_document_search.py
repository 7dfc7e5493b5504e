"""What search needs of the database itself: word counts, vectors where pgvector is there, the embedded model's row."""

from django.db import migrations

# Chunks are ranked by the hundred: their search vectors shall lie in the row, not in a TOAST table.
STORAGE = "ALTER TABLE apps_registry_documentchunk SET (toast_tuple_target = 8160);"

# One App's counts change in one transaction at a time, so that two ingests of it cannot deadlock.
COUNT_WORDS = """
CREATE FUNCTION apps_registry_take_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1937068147, app_id::int) FROM (SELECT DISTINCT app_id FROM gone ORDER BY 1) apps;
    UPDATE apps_registry_chunkword kept SET chunks = kept.chunks - counted.chunks
    FROM (
        SELECT gone.app_id, word.lexeme, count(*) AS chunks FROM gone, unnest(gone.search) word GROUP BY 1, 2
    ) counted
    WHERE kept.app_id = counted.app_id AND kept.word = counted.lexeme;
    DELETE FROM apps_registry_chunkword WHERE chunks <= 0 AND app_id IN (SELECT app_id FROM gone);
    RETURN NULL;
END $$;
CREATE FUNCTION apps_registry_add_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1937068147, app_id::int) FROM (SELECT DISTINCT app_id FROM added ORDER BY 1) apps;
    INSERT INTO apps_registry_chunkword AS kept (app_id, word, chunks)
    SELECT added.app_id, word.lexeme, count(*) FROM added, unnest(added.search) word GROUP BY 1, 2
    ON CONFLICT (app_id, word) DO UPDATE SET chunks = kept.chunks + excluded.chunks;
    RETURN NULL;
END $$;
CREATE TRIGGER chunk_words_added AFTER INSERT ON apps_registry_documentchunk
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apps_registry_add_words();
CREATE TRIGGER chunk_words_gone AFTER DELETE ON apps_registry_documentchunk
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION apps_registry_take_words();
CREATE TRIGGER chunk_words_changed_added AFTER UPDATE ON apps_registry_documentchunk
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apps_registry_add_words();
CREATE TRIGGER chunk_words_changed_gone AFTER UPDATE ON apps_registry_documentchunk
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION apps_registry_take_words();
"""
NO_COUNTS = """
DROP FUNCTION apps_registry_add_words() CASCADE;
DROP FUNCTION apps_registry_take_words() CASCADE;
"""

# An App's tools depend on whether it has documents to search, and by which tags.
RAISE_REVISION = """
CREATE TRIGGER document_found_raises_revision AFTER UPDATE ON apps_registry_document FOR EACH ROW
    WHEN ((OLD.chunk_count > 0) <> (NEW.chunk_count > 0) OR OLD.tags <> NEW.tags)
    EXECUTE FUNCTION apps_registry_raise_revision();
CREATE TRIGGER document_gone_raises_revision AFTER DELETE ON apps_registry_document FOR EACH ROW
    WHEN (OLD.chunk_count > 0) EXECUTE FUNCTION apps_registry_raise_revision();
"""
NO_REVISION = """
DROP TRIGGER document_found_raises_revision ON apps_registry_document;
DROP TRIGGER document_gone_raises_revision ON apps_registry_document;
"""

# pgvector may be missing, and may be installed later: this says whether vectors can be stored, and makes it so.
# Version 0.8 brought the iterative scans without which a filtered index search loses rows.
ENABLE_VECTORS = """
CREATE FUNCTION apps_registry_enable_vectors() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('apps_registry_chunkvector') IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(1937068147, 0);
    IF NOT EXISTS (
        SELECT 1 FROM pg_available_extensions WHERE name = 'vector'
        AND string_to_array(substring(coalesce(installed_version, default_version) FROM '^[0-9]+[.][0-9]+'), '.')::int[] >= '{0,8}'
    ) THEN
        RETURN false;
    END IF;
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE IF NOT EXISTS apps_registry_chunkvector (
        chunk_id bigint NOT NULL REFERENCES apps_registry_documentchunk (id) ON DELETE CASCADE,
        embedding_model_id bigint NOT NULL REFERENCES apps_registry_embeddingmodel (id) ON DELETE CASCADE,
        app_id bigint NOT NULL REFERENCES apps_registry_app (id) ON DELETE CASCADE,
        embedding halfvec NOT NULL,
        PRIMARY KEY (chunk_id, embedding_model_id)
    );
    CREATE INDEX IF NOT EXISTS chunk_vector_app ON apps_registry_chunkvector (app_id, embedding_model_id);
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN false;
END $$;
CREATE FUNCTION apps_registry_index_vectors(model bigint, dimensions int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('chunk_vector_model_' || model) IS NULL THEN
        PERFORM pg_advisory_xact_lock(1937068147, 0);
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS chunk_vector_model_%s ON apps_registry_chunkvector '
            'USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE embedding_model_id = %s',
            model, dimensions, model
        );
    END IF;
END $$;
SELECT apps_registry_enable_vectors();
"""
NO_VECTORS = """
DROP TABLE IF EXISTS apps_registry_chunkvector;
DROP FUNCTION apps_registry_enable_vectors();
DROP FUNCTION apps_registry_index_vectors(bigint, int);
"""

EMBEDDED_MODEL = """
INSERT INTO apps_registry_embeddingmodel (name, provider_id, provider_model_id, dimensions)
VALUES ('embedded MiniLM', NULL, '', 384);
"""


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0008_documents")]

    operations = [
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(COUNT_WORDS, NO_COUNTS),
        migrations.RunSQL(RAISE_REVISION, NO_REVISION),
        migrations.RunSQL(ENABLE_VECTORS, NO_VECTORS),
        migrations.RunSQL(EMBEDDED_MODEL, migrations.RunSQL.noop),
    ]
