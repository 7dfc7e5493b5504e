"""Documents in any language: detected or set for each, with the version of their index."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("apps_registry", "0091_keeps_requests"),
    ]

    operations = [
        migrations.AddField(
            model_name='document',
            name='detected_language',
            field=models.CharField(db_default='', default='', editable=False, max_length=20),
        ),
        migrations.AddField(
            model_name='document',
            name='index_version',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='document',
            name='language_choice',
            field=models.CharField(blank=True, choices=[('simple', 'simple'), ('arabic', 'arabic'), ('armenian', 'armenian'), ('basque', 'basque'), ('catalan', 'catalan'), ('danish', 'danish'), ('dutch', 'dutch'), ('english', 'english'), ('finnish', 'finnish'), ('french', 'french'), ('german', 'german'), ('greek', 'greek'), ('hindi', 'hindi'), ('hungarian', 'hungarian'), ('indonesian', 'indonesian'), ('irish', 'irish'), ('italian', 'italian'), ('lithuanian', 'lithuanian'), ('nepali', 'nepali'), ('norwegian', 'norwegian'), ('portuguese', 'portuguese'), ('romanian', 'romanian'), ('russian', 'russian'), ('serbian', 'serbian'), ('spanish', 'spanish'), ('swedish', 'swedish'), ('tamil', 'tamil'), ('turkish', 'turkish'), ('yiddish', 'yiddish')], db_default='', default='', help_text='The language of this document. Empty: the language of its App. A change takes effect after a moment.', max_length=20, verbose_name='set language'),
        ),
        migrations.AlterField(
            model_name='app',
            name='document_language',
            field=models.CharField(choices=[('auto', 'detected for each document'), ('simple', 'simple'), ('arabic', 'arabic'), ('armenian', 'armenian'), ('basque', 'basque'), ('catalan', 'catalan'), ('danish', 'danish'), ('dutch', 'dutch'), ('english', 'english'), ('finnish', 'finnish'), ('french', 'french'), ('german', 'german'), ('greek', 'greek'), ('hindi', 'hindi'), ('hungarian', 'hungarian'), ('indonesian', 'indonesian'), ('irish', 'irish'), ('italian', 'italian'), ('lithuanian', 'lithuanian'), ('nepali', 'nepali'), ('norwegian', 'norwegian'), ('portuguese', 'portuguese'), ('romanian', 'romanian'), ('russian', 'russian'), ('serbian', 'serbian'), ('spanish', 'spanish'), ('swedish', 'swedish'), ('tamil', 'tamil'), ('turkish', 'turkish'), ('yiddish', 'yiddish')], default='auto', help_text="The language of its documents, so that search finds other forms of a word; 'simple' finds none. A document's page can set another one for it.", max_length=20),
        ),
    ]
