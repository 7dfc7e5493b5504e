from django.db import migrations

# A search needs an index of this quality to find 95 % of the nearest vectors at a small ef_search. It takes a third
# longer to build. Existing indexes stay as they are: building one again keeps other migrations waiting.
FUNCTION = """
CREATE OR REPLACE FUNCTION apps_registry_index_vectors(model bigint, dimensions int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('chunk_vector_model_' || model) IS NULL THEN
        PERFORM pg_advisory_xact_lock(1937068147, 0);
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS chunk_vector_model_%s ON apps_registry_chunkvector '
            'USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops){options} WHERE embedding_model_id = %s',
            model, dimensions, model
        );
    END IF;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("apps_registry", "0125_help_texts"),
    ]

    operations = [
        migrations.RunSQL(
            FUNCTION.replace("{options}", " WITH (ef_construction = 160)"), FUNCTION.replace("{options}", "")
        ),
    ]
