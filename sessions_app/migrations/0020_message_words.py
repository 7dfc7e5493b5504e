"""An index of the words of messages, for the search of the console; built while the server runs."""

from django.db import migrations

UNSPACED = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORDS = (
    "to_tsvector('simple'::regconfig, regexp_replace(left(content, 16000), "
    f"'([{UNSPACED}])', ' \\1 ', 'g'))"
)
# A short list of pending entries: emptying a long one would hold up the turn that happens to do it.
CREATE = f"""
CREATE INDEX CONCURRENTLY sessions_app_message_words ON sessions_app_message
USING gin (({WORDS})) WITH (gin_pending_list_limit = 256)
"""
# What an interrupted run has left behind is not valid.
DROP = "DROP INDEX CONCURRENTLY IF EXISTS sessions_app_message_words"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sessions_app", "0030_options_of_turns")]

    operations = [
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(CREATE, DROP),
    ]
