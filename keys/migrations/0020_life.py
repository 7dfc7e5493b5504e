"""Owner, note, channel, rotation, and who revoked a key and why. A revocation is final from now on, in the table itself."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEEP_REVOCATIONS = """
CREATE FUNCTION keys_keep_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The revocation of a key is final.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keys_keep_revocation BEFORE UPDATE ON keys_appkey FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
    EXECUTE FUNCTION keys_keep_revocation();
"""
DROP = """
DROP TRIGGER keys_keep_revocation ON keys_appkey;
DROP FUNCTION keys_keep_revocation();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('apps_registry', '0026_plain_help_texts'),
        ('keys', '0011_accounting'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='appkey',
            name='channel',
            field=models.CharField(choices=[('live', 'What is live'), ('draft', 'The draft'), ('release', 'One release')], db_default='live', default='live', help_text='With which state of its Apps the key talks. A session that began in one channel is not continued in another.', max_length=8),
        ),
        migrations.AddField(
            model_name='appkey',
            name='expiry_announced_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='appkey',
            name='last_used_address',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='appkey',
            name='last_used_app',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='apps_registry.app'),
        ),
        migrations.AddField(
            model_name='appkey',
            name='note',
            field=models.TextField(blank=True, db_default='', default='', help_text='For operators. Callers never see it.', max_length=2000),
        ),
        migrations.AddField(
            model_name='appkey',
            name='owner',
            field=models.CharField(blank=True, db_default='', default='', help_text='The person or team that answers for this key. Keys can be found and revoked by owner.', max_length=100),
        ),
        migrations.AddField(
            model_name='appkey',
            name='release',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='following_keys', to='apps_registry.apprelease'),
        ),
        migrations.AddField(
            model_name='appkey',
            name='revoke_reason',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name='appkey',
            name='revoked_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='appkey',
            name='revoked_through',
            field=models.CharField(blank=True, choices=[('admin', 'Admin'), ('command', 'Command'), ('holder', 'Holder')], db_default='', default='', editable=False, max_length=8),
        ),
        migrations.AddField(
            model_name='appkey',
            name='rotated_from',
            field=models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='successor', to='keys.appkey'),
        ),
        migrations.RunSQL(KEEP_REVOCATIONS, DROP),
    ]
