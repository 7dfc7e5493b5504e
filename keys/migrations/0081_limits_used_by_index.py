"""What a subject used before it had limits is read through an index, and for an App from the sums of all keys."""

from django.db import migrations

HEAD = """
CREATE OR REPLACE FUNCTION keys_limits_used(of_subject text, since date) RETURNS TABLE (tokens bigint, money numeric)
"""
SUMS = "COALESCE(sum(prompt_tokens + completion_tokens + unreported_tokens), 0)::bigint, COALESCE(sum(cost), 0)"
BY_INDEX = f"""{HEAD} LANGUAGE plpgsql STABLE AS $$
DECLARE
    kind text := split_part(of_subject, ':', 1);
    -- Of an address, this is no number.
    number bigint := CASE WHEN kind IN ('app', 'key') THEN split_part(of_subject, ':', 2)::bigint ELSE 0 END;
BEGIN
    IF kind = 'app' THEN
        RETURN QUERY SELECT {SUMS} FROM (
            SELECT prompt_tokens, completion_tokens, unreported_tokens, cost FROM keys_usagetotal
            WHERE day >= since AND app_id = number
            UNION ALL SELECT prompt_tokens, completion_tokens, unreported_tokens, cost FROM keys_usage
            WHERE day >= since AND app_id = number AND slot >= 0) usage;
    ELSIF kind IN ('key', 'keyless') THEN
        RETURN QUERY SELECT {SUMS} FROM keys_usage WHERE day >= since AND app_key_id = number;
    ELSE
        RETURN QUERY SELECT 0::bigint, 0::numeric;
    END IF;
END $$;
"""
BY_SCAN = f"""{HEAD} LANGUAGE sql STABLE AS $$
    SELECT {SUMS}
    FROM keys_usage WHERE day >= since AND CASE split_part(of_subject, ':', 1)
        WHEN 'app' THEN app_id = split_part(of_subject, ':', 2)::bigint
        WHEN 'key' THEN app_key_id = split_part(of_subject, ':', 2)::bigint
        WHEN 'keyless' THEN app_key_id = 0 ELSE false END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0080_usage_folded_by_hour"),
    ]

    operations = [migrations.RunSQL(BY_INDEX, BY_SCAN)]
