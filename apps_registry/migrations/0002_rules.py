"""Rules that the database keeps itself: a default App always remains, and changes raise the revision."""

from django.db import migrations

DEFAULT_APP_REMAINS = """
CREATE FUNCTION apps_registry_default_remains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM apps_registry_app WHERE is_default) THEN
        RAISE EXCEPTION 'there must be exactly one default App' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER app_default_remains
    AFTER UPDATE OF is_default OR DELETE ON apps_registry_app
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.is_default) EXECUTE FUNCTION apps_registry_default_remains();
"""

RAISE_REVISION = """
INSERT INTO apps_registry_registryrevision (id, number) VALUES (1, 1);
CREATE FUNCTION apps_registry_raise_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE apps_registry_registryrevision SET number = number + 1;
    RETURN NULL;
END $$;
"""

WATCHED = ("app", "appmodel", "model", "provider", "tool")


def _trigger(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_raises_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE "
        f"ON apps_registry_{table} FOR EACH STATEMENT EXECUTE FUNCTION apps_registry_raise_revision();"
    )


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0001_initial")]

    operations = [
        migrations.RunSQL(
            DEFAULT_APP_REMAINS,
            "DROP TRIGGER app_default_remains ON apps_registry_app; DROP FUNCTION apps_registry_default_remains();",
        ),
        migrations.RunSQL(
            RAISE_REVISION + "".join(_trigger(table) for table in WATCHED),
            "DROP FUNCTION apps_registry_raise_revision() CASCADE; DELETE FROM apps_registry_registryrevision;",
        ),
    ]
