"""Keeps a chunk's text apart from its search vector, so that ranking by the hundred reads a third of the pages."""

from django.db import migrations

# Rows of about 1.5 kB instead of 4: the text goes to the TOAST table, the vector stays, as a rule uncompressed.
STORAGE = """
ALTER TABLE apps_registry_documentchunk
    ALTER COLUMN search SET STORAGE MAIN, ALTER COLUMN text SET STORAGE EXTERNAL, SET (toast_tuple_target = 2040);
"""
BACK = """
ALTER TABLE apps_registry_documentchunk
    ALTER COLUMN search SET STORAGE EXTENDED, ALTER COLUMN text SET STORAGE EXTENDED, SET (toast_tuple_target = 8160);
"""


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0012_app_releases")]

    operations = [migrations.RunSQL(STORAGE, BACK)]
