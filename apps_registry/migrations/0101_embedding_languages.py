"""The languages that embedding models know, and the embedded one for sixteen languages."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


MODELS = """
UPDATE apps_registry_embeddingmodel SET languages = '{english}' WHERE provider_id IS NULL AND provider_model_id = '';
INSERT INTO apps_registry_embeddingmodel (name, provider_id, provider_model_id, dimensions, languages)
VALUES ('embedded multilingual', NULL, 'use-multilingual-v3', 512,
    '{arabic,chinese,dutch,english,french,german,italian,japanese,korean,polish,portuguese,russian,spanish,thai,turkish}');
"""
NO_MODELS = "DELETE FROM apps_registry_embeddingmodel WHERE provider_id IS NULL AND provider_model_id <> '';"


class Migration(migrations.Migration):

    dependencies = [
        ('apps_registry', '0100_documents_in_any_language'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='embeddingmodel',
            name='embedding_model_names_its_model',
        ),
        migrations.AddField(
            model_name='embeddingmodel',
            name='languages',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, db_default=models.Value([], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None)), default=list, help_text='The languages it knows, by their English names in lower case, separated by commas. A search in another one is by words only. Empty: it knows all.', size=None),
        ),
        migrations.AlterField(
            model_name='embeddingmodel',
            name='provider',
            field=models.ForeignKey(blank=True, help_text="A server with OpenAI's /embeddings API. Empty: an embedded model, which this server runs itself.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='embedding_models', to='apps_registry.provider'),
        ),
        migrations.AddConstraint(
            model_name='embeddingmodel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('provider', None), ('provider_model_id__in', ('', 'use-multilingual-v3'))), models.Q(('provider__isnull', False), models.Q(('provider_model_id', ''), _negated=True)), _connector='OR'), name='embedding_model_names_its_model'),
        ),
        migrations.AlterField(
            model_name='app',
            name='embedding_model',
            field=models.ForeignKey(blank=True, help_text="Lets search find passages by meaning as well as by words. Empty: by words only. 'embedded multilingual' knows sixteen languages; 'embedded MiniLM' knows English only, and is downloaded once (84 MB).", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='apps', to='apps_registry.embeddingmodel'),
        ),
        migrations.RunSQL(MODELS, NO_MODELS),
    ]
