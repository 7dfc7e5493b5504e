"""All code that changes all slots of a subject locks them first, in one order. A pull that has ended costs nothing.

Before, a call near a limit and an operator who changed the subject's limits could wait for each other, and the decision
did not include what running transactions had counted. The end of a timed pull of the fuse stayed in its row, and so every
later call without a key locked all slots.
"""

from django.db import migrations

LOCK = """
-- Slot 0 first, as keys_limits_take does: only its holder makes new slots. Returns whether the subject has rows.
CREATE FUNCTION keys_limits_lock(of_subject text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM keys_limitstate WHERE subject = of_subject AND slot = 0 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM 1 FROM keys_limitstate WHERE subject = of_subject AND slot > 0 ORDER BY slot FOR UPDATE;
    RETURN true;
END $$;
"""
BEGIN = """
CREATE OR REPLACE FUNCTION keys_limits_begin() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    this_month date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN{lock}
    -- A subject that had limits before was not counted without them.
    UPDATE keys_limitstate SET day = today, month = this_month,
        day_tokens = CASE slot WHEN 0 THEN d.tokens ELSE 0 END, day_money = CASE slot WHEN 0 THEN d.money ELSE 0 END,
        month_tokens = CASE slot WHEN 0 THEN m.tokens ELSE 0 END,
        month_money = CASE slot WHEN 0 THEN m.money ELSE 0 END
    FROM keys_limits_used(NEW.subject, today) d, keys_limits_used(NEW.subject, this_month) m
    WHERE subject = NEW.subject;
    RETURN NULL;
END $$;
"""
IS_FAR = """
CREATE OR REPLACE FUNCTION keys_limits_is_far(
    l keys_limitset, s keys_limitstate, own_requests double precision, more_requests int, more_turns int,
    tokens bigint, money numeric
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT s.slot = 16 AND {unblocked}
        AND (more_requests = 0 OR l.requests_per_minute IS NULL
            OR own_requests + more_requests <= COALESCE(l.burst, l.requests_per_minute) / 16.0)
        AND (more_turns <= 0 OR l.concurrent_turns IS NULL
            OR (more_turns <= l.concurrent_turns / 64.0 AND s.running_turns <= l.concurrent_turns * 0.75))
        AND (tokens <= 0 OR (
            (l.tokens_per_day IS NULL OR (tokens <= l.tokens_per_day / 64.0
                AND s.day_tokens + s.reserved_tokens <= l.tokens_per_day * 0.75))
            AND (l.tokens_per_month IS NULL OR (tokens <= l.tokens_per_month / 64.0
                AND s.month_tokens + s.reserved_tokens <= l.tokens_per_month * 0.75))))
        AND (money <= 0 OR (
            (l.money_per_day IS NULL OR (money <= l.money_per_day / 64
                AND s.day_money + s.reserved_money <= l.money_per_day * 0.75))
            AND (l.money_per_month IS NULL OR (money <= l.money_per_month / 64
                AND s.month_money + s.reserved_money <= l.money_per_month * 0.75))))
$$;
"""
LOCKED_BEGIN = BEGIN.format(lock="\n    PERFORM keys_limits_lock(NEW.subject);")
UNBLOCKED = "COALESCE(s.blocked_until <= s.used_at, true)"  # used_at is the time of the sum


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0081_limits_used_by_index"),
    ]

    operations = [
        migrations.RunSQL(
            LOCK + LOCKED_BEGIN + IS_FAR.format(unblocked=UNBLOCKED),
            BEGIN.format(lock="")
            + IS_FAR.format(unblocked="s.blocked_until IS NULL")
            + "DROP FUNCTION keys_limits_lock(text);",
        )
    ]
