"""An index that finds similar words of an App: groups of three letters, since pg_trgm may be missing."""

from django.db import migrations

# The App is part of each group, since GIN has no operator for numbers without an extension. Only the index stores them.
GRAMS = r"""
CREATE FUNCTION apps_registry_word_grams(app bigint, word text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(word) BETWEEN 4 AND 40 AND word !~ '[0-9.[:cntrl:]]' THEN ARRAY(
        SELECT app || ':' || substr(' ' || word || ' ', place, 3) FROM generate_series(1, length(word)) place
    ) ELSE '{}' END
$$;
CREATE INDEX chunk_word_grams ON apps_registry_chunkword USING gin (apps_registry_word_grams(app_id, word));
"""
NO_GRAMS = """
DROP INDEX chunk_word_grams;
DROP FUNCTION apps_registry_word_grams(bigint, text);
"""


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0101_embedding_languages")]

    operations = [migrations.RunSQL(GRAMS, NO_GRAMS)]
