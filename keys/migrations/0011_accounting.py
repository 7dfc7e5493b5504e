"""Usage and limits follow the Turn rows by themselves: triggers, so that every way in which a turn ends is counted.

keys_usage_add      adds to the roll-up
keys_usage_add_turn adds what a Turn row contributes, or takes it back
keys_limits_take    counts something for one subject, unless a limit refuses it: far from all limits in one of 16
                    slots, so that callers do not wait for one another; near one with all slots locked
keys_limits_admit   the same for all subjects of a turn
keys_limits_settle  gives reservations back and counts what was used
keys_account_turn   the trigger on Turn rows
keys_limits_begin   the trigger on new limits, which count from the usage so far
"""

from django.db import migrations

# 33 bounds of 10 * 2 ** (n / 2) ms, then everything above, then everything without a time: keys/usage/histograms.py.
USAGE = """
CREATE FUNCTION keys_usage_bucket(milliseconds bigint) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN milliseconds IS NULL THEN 35 WHEN milliseconds <= 10 THEN 1
        ELSE LEAST(34, 1 + ceil(round(2 * ln(milliseconds / 10.0) / ln(2.0), 9))::int) END
$$;

CREATE FUNCTION keys_usage_add(
    on_day date, of_app bigint, of_key bigint, of_model text, of_kind text, more_turns int, more_errors int,
    more_interruptions int, more_rounds bigint, more_prompt bigint, more_completion bigint, more_unreported bigint,
    more_cost numeric, more_unpriced bigint, latency bigint, first_token bigint, sign int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- Turns that end at the same time on different connections write different rows.
    own_slot smallint := pg_backend_pid() % 16;
    latency_bucket int := keys_usage_bucket(latency);
    first_bucket int := keys_usage_bucket(first_token);
BEGIN
    LOOP
        UPDATE keys_usage SET
            turns = turns + sign * more_turns, errors = errors + sign * more_errors,
            interruptions = interruptions + sign * more_interruptions, tool_rounds = tool_rounds + sign * more_rounds,
            prompt_tokens = prompt_tokens + sign * more_prompt,
            completion_tokens = completion_tokens + sign * more_completion,
            unreported_tokens = unreported_tokens + sign * more_unreported, cost = keys_usage.cost + sign * more_cost,
            unpriced_tokens = unpriced_tokens + sign * more_unpriced,
            latency_ms_sum = latency_ms_sum + sign * COALESCE(latency, 0),
            latency_counts[latency_bucket] = latency_counts[latency_bucket] + sign,
            first_token_counts[first_bucket] = first_token_counts[first_bucket] + sign
        WHERE day = on_day AND app_id = of_app AND app_key_id = of_key AND model = of_model AND kind = of_kind
            AND slot = own_slot;
        EXIT WHEN FOUND;
        INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, slot, app_slug, app_key_label,
            latency_counts, first_token_counts)
        VALUES (on_day, of_app, of_key, of_model, of_kind, own_slot,
            COALESCE((SELECT slug FROM apps_registry_app WHERE id = of_app), ''),
            COALESCE((SELECT label FROM keys_appkey WHERE id = of_key), ''),
            array_fill(0::bigint, ARRAY[35]), array_fill(0::bigint, ARRAY[35]))
        ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

-- Adds up histograms: array_agg of several is an array of two dimensions.
CREATE FUNCTION keys_usage_sum(counts bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(total ORDER BY bucket) FROM (
        SELECT bucket, sum(counts[part][bucket])::bigint AS total
        FROM generate_series(1, array_length(counts, 1)) AS part, generate_series(1, 35) AS bucket
        GROUP BY bucket) summed
$$;

CREATE FUNCTION keys_usage_add_turn(turn sessions_app_turn, sign int) RETURNS void LANGUAGE sql AS $$
    SELECT keys_usage_add(
        (turn.started_at AT TIME ZONE 'UTC')::date, turn.app_id, COALESCE(turn.app_key_id, 0), turn.model, 'turn',
        1, (turn.status = 'failed')::int, (turn.status = 'interrupted')::int, turn.tool_rounds,
        COALESCE(turn.prompt_tokens, 0), COALESCE(turn.completion_tokens, 0), turn.unreported_tokens,
        COALESCE(turn.cost, 0), turn.unpriced_tokens,
        -- The time that a turn waited for its user is not the server's.
        CASE WHEN turn.paused_until IS NULL AND turn.finished_at IS NOT NULL THEN
            GREATEST(0, extract(epoch FROM turn.finished_at - turn.started_at) * 1000)::bigint END,
        turn.first_token_ms, sign)
$$;
"""

LIMITS = """
CREATE FUNCTION keys_limits_refuse(
    of_subject text, rule text, what text, per text, the_limit numeric, remaining numeric, seconds double precision
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- The address of a caller must not reach the log of Postgres.
    RAISE EXCEPTION 'a limit of this server refuses the call' USING ERRCODE = 'AO429', DETAIL = jsonb_build_object(
        'subject', split_part(of_subject, ':', 1), 'rule', rule, 'what', what, 'per', per, 'limit', the_limit,
        'left', GREATEST(0, remaining), 'retry_after', seconds)::text;
END $$;

CREATE FUNCTION keys_limits_seconds(until timestamp, from_time timestamptz) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$ SELECT extract(epoch FROM (until AT TIME ZONE 'UTC') - from_time)::double precision $$;

-- What a subject has used today and this month, by the roll-up: the start of its counts.
CREATE FUNCTION keys_limits_used(of_subject text, since date) RETURNS TABLE (tokens bigint, money numeric)
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(sum(prompt_tokens + completion_tokens + unreported_tokens), 0)::bigint, COALESCE(sum(cost), 0)
    FROM keys_usage WHERE day >= since AND CASE split_part(of_subject, ':', 1)
        WHEN 'app' THEN app_id = split_part(of_subject, ':', 2)::bigint
        WHEN 'key' THEN app_key_id = split_part(of_subject, ':', 2)::bigint
        WHEN 'keyless' THEN app_key_id = 0 ELSE false END
$$;

-- The sum over a subject's slots, as of now; null if it has no rows. Requests have drained since they were counted.
CREATE FUNCTION keys_limits_sum(of_subject text, l keys_limitset, now_at timestamptz) RETURNS keys_limitstate
LANGUAGE sql STABLE AS $$
    SELECT of_subject, count(*)::smallint,
        sum(GREATEST(0, requests - extract(epoch FROM now_at - used_at) * COALESCE(l.requests_per_minute, 0) / 60
            / slots))::double precision,
        sum(running_turns)::int, sum(reserved_tokens)::bigint, sum(reserved_money), max(today),
        sum(CASE WHEN day = today THEN day_tokens ELSE 0 END)::bigint,
        sum(CASE WHEN day = today THEN day_money ELSE 0 END), max(this_month),
        sum(CASE WHEN month = this_month THEN month_tokens ELSE 0 END)::bigint,
        sum(CASE WHEN month = this_month THEN month_money ELSE 0 END), max(blocked_until), now_at
    FROM (
        SELECT *, count(*) OVER () AS slots, (now_at AT TIME ZONE 'UTC')::date AS today,
            date_trunc('month', now_at AT TIME ZONE 'UTC')::date AS this_month
        FROM keys_limitstate WHERE subject = of_subject) rows
$$;

CREATE FUNCTION keys_limits_begun(of_subject text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO keys_limitstate (subject, slot, day, month, day_tokens, day_money, month_tokens, month_money)
    SELECT of_subject, 0, today, date_trunc('month', today)::date, d.tokens, d.money, m.tokens, m.money
    FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS today) now,
        keys_limits_used(of_subject, today) d, keys_limits_used(of_subject, date_trunc('month', today)::date) m
    ON CONFLICT DO NOTHING
$$;

-- Adds to one slot.
CREATE FUNCTION keys_limits_add(
    of_subject text, to_slot int, l keys_limitset, slots int, now_at timestamptz, more_requests int, more_turns int,
    reserve bigint, reserve_money numeric, used bigint, used_money numeric
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    today date := (now_at AT TIME ZONE 'UTC')::date;
    this_month date := date_trunc('month', now_at AT TIME ZONE 'UTC')::date;
BEGIN
    UPDATE keys_limitstate SET
        -- Without a limit of requests the bucket stays empty: a limit that comes later begins with it.
        requests = CASE WHEN l.requests_per_minute IS NULL THEN 0 ELSE more_requests + GREATEST(0,
            requests - extract(epoch FROM now_at - used_at) * l.requests_per_minute / 60 / slots) END,
        running_turns = running_turns + more_turns,
        reserved_tokens = reserved_tokens + reserve, reserved_money = reserved_money + reserve_money,
        day = today, day_tokens = CASE WHEN day = today THEN day_tokens ELSE 0 END + used,
        day_money = CASE WHEN day = today THEN day_money ELSE 0 END + used_money,
        month = this_month, month_tokens = CASE WHEN month = this_month THEN month_tokens ELSE 0 END + used,
        month_money = CASE WHEN month = this_month THEN month_money ELSE 0 END + used_money,
        used_at = now_at
    WHERE subject = of_subject AND slot = to_slot;
    RETURN FOUND;
END $$;

-- Whether a subject is so far from its limits that each of the 16 slots may take as much at the same time. At most one
-- statement per slot is under way unseen, since it holds its slot's row: three quarters of the limit, and 16 times a
-- 64th of it, are not more than the limit.
CREATE FUNCTION keys_limits_is_far(
    l keys_limitset, s keys_limitstate, own_requests double precision, more_requests int, more_turns int,
    tokens bigint, money numeric
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT s.slot = 16 AND s.blocked_until IS NULL
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

-- Whether many may take as much of these limits at the same time, if nothing was used.
CREATE FUNCTION keys_limits_is_large(l keys_limitset, tokens bigint, money numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(COALESCE(l.burst, l.requests_per_minute) >= 32, true) AND COALESCE(l.concurrent_turns >= 64, true)
        AND COALESCE(tokens <= LEAST(l.tokens_per_day, l.tokens_per_month) / 64.0, true)
        AND COALESCE(money <= LEAST(l.money_per_day, l.money_per_month) / 64, true)
$$;

-- Refuses what does not fit, given the exact sum.
CREATE FUNCTION keys_limits_check(
    l keys_limitset, of_subject text, s keys_limitstate, more_requests int, more_turns int, tokens bigint, money numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_at timestamptz := s.used_at;
    burst int := COALESCE(l.burst, l.requests_per_minute);
    soon constant double precision := 5;  -- when running turns may have given back what they reserved
    until_tomorrow double precision := keys_limits_seconds(s.day + interval '1 day', now_at);
    until_next_month double precision := keys_limits_seconds(s.month + interval '1 month', now_at);
BEGIN
    IF s.blocked_until > now_at AND more_requests + more_turns > 0 THEN
        PERFORM keys_limits_refuse(of_subject, 'fuse_pulled', 'turns', '', NULL, 0,
            LEAST(86400, extract(epoch FROM s.blocked_until - now_at)::double precision));
    END IF;
    -- A millionth of a request is less than the time of a statement, and more than an error of rounding.
    -- A burst without a rate limits nothing.
    IF more_requests > 0 AND l.requests_per_minute IS NOT NULL AND s.requests + more_requests > burst + 0.000001 THEN
        PERFORM keys_limits_refuse(of_subject, 'requests_per_minute', 'requests', 'minute', l.requests_per_minute, 0,
            (s.requests + more_requests - burst) * 60 / l.requests_per_minute);
    END IF;
    IF more_turns > 0 AND s.running_turns + more_turns > l.concurrent_turns THEN
        PERFORM keys_limits_refuse(of_subject, 'concurrent_turns', 'turns', '', l.concurrent_turns,
            l.concurrent_turns - s.running_turns, 1);
    END IF;
    IF tokens > 0 AND s.day_tokens + s.reserved_tokens + tokens > l.tokens_per_day THEN
        PERFORM keys_limits_refuse(of_subject, 'tokens_per_day', 'tokens', 'day', l.tokens_per_day,
            l.tokens_per_day - s.day_tokens - s.reserved_tokens,
            CASE WHEN s.day_tokens + tokens <= l.tokens_per_day THEN LEAST(soon, until_tomorrow)
                ELSE until_tomorrow END);
    END IF;
    IF tokens > 0 AND s.month_tokens + s.reserved_tokens + tokens > l.tokens_per_month THEN
        PERFORM keys_limits_refuse(of_subject, 'tokens_per_month', 'tokens', 'month', l.tokens_per_month,
            l.tokens_per_month - s.month_tokens - s.reserved_tokens,
            CASE WHEN s.month_tokens + tokens <= l.tokens_per_month THEN LEAST(soon, until_next_month)
                ELSE until_next_month END);
    END IF;
    IF money > 0 AND s.day_money + s.reserved_money + money > l.money_per_day THEN
        PERFORM keys_limits_refuse(of_subject, 'money_per_day', 'money', 'day', l.money_per_day,
            l.money_per_day - s.day_money - s.reserved_money,
            CASE WHEN s.day_money + money <= l.money_per_day THEN LEAST(soon, until_tomorrow)
                ELSE until_tomorrow END);
    END IF;
    IF money > 0 AND s.month_money + s.reserved_money + money > l.money_per_month THEN
        PERFORM keys_limits_refuse(of_subject, 'money_per_month', 'money', 'month', l.money_per_month,
            l.money_per_month - s.month_money - s.reserved_money,
            CASE WHEN s.month_money + money <= l.money_per_month THEN LEAST(soon, until_next_month)
                ELSE until_next_month END);
    END IF;
END $$;

CREATE FUNCTION keys_limits_take(
    l keys_limitset, of_subject text, more_requests int, more_turns int, reserve bigint, reserve_money numeric,
    used bigint, used_money numeric, has_prices boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s keys_limitstate;
    own keys_limitstate;
    now_at timestamptz;
    tokens bigint := reserve + used;
    money numeric := reserve_money + used_money;
    own_slot int := pg_backend_pid() % 16;
BEGIN
    IF tokens > 0 AND NOT has_prices AND (l.money_per_day IS NOT NULL OR l.money_per_month IS NOT NULL) THEN
        PERFORM keys_limits_refuse(of_subject, 'money_without_price', 'money', '', NULL, 0, 3600);
    END IF;
    IF keys_limits_is_large(l, tokens, money) THEN
        BEGIN  -- a subtransaction, so that the slot's row is free again if this does not succeed
            SELECT * INTO own FROM keys_limitstate WHERE subject = of_subject AND slot = own_slot FOR UPDATE;
            IF FOUND THEN
                now_at := clock_timestamp();
                s := keys_limits_sum(of_subject, l, now_at);
                own.requests := GREATEST(0, own.requests - extract(epoch FROM now_at - own.used_at)
                    * COALESCE(l.requests_per_minute, 0) / 60 / 16);
                IF keys_limits_is_far(l, s, own.requests, more_requests, more_turns, tokens, money) THEN
                    PERFORM keys_limits_add(of_subject, own_slot, l, 16, now_at, more_requests, more_turns, reserve,
                        reserve_money, used, used_money);
                    RETURN;
                END IF;
                RAISE EXCEPTION 'near' USING ERRCODE = 'AO000';
            END IF;
        EXCEPTION WHEN SQLSTATE 'AO000' THEN NULL;
        END;
    END IF;
    -- Near a limit: nobody else counts at the same time. Slot 0 comes first, so that no two wait for one another, and
    -- new slots are made by its holder only.
    LOOP
        PERFORM 1 FROM keys_limitstate WHERE subject = of_subject AND slot = 0 FOR UPDATE;
        EXIT WHEN FOUND;
        PERFORM keys_limits_begun(of_subject);
    END LOOP;
    PERFORM 1 FROM keys_limitstate WHERE subject = of_subject AND slot > 0 ORDER BY slot FOR UPDATE;
    s := keys_limits_sum(of_subject, l, clock_timestamp());
    PERFORM keys_limits_check(l, of_subject, s, more_requests, more_turns, tokens, money);
    IF s.slot = 1 AND keys_limits_is_large(l, tokens, money) THEN
        INSERT INTO keys_limitstate (subject, slot, day, month)
        SELECT of_subject, slot, s.day, s.month FROM generate_series(1, 15) AS slot;
        s.slot := 16;
    END IF;
    IF s.slot > 1 AND more_requests > 0 AND l.requests_per_minute IS NOT NULL THEN
        UPDATE keys_limitstate SET requests = (s.requests + more_requests) / s.slot, used_at = s.used_at
        WHERE subject = of_subject;
        more_requests := 0;
    END IF;
    PERFORM keys_limits_add(of_subject, 0, l, s.slot, s.used_at, more_requests, more_turns, reserve, reserve_money,
        used, used_money);
END $$;

-- A subject's limits now: its row, or that of all addresses; else those that the caller gave (from the settings).
CREATE FUNCTION keys_limits_of(given jsonb) RETURNS keys_limitset LANGUAGE plpgsql STABLE AS $$
DECLARE
    l keys_limitset;
    name text := given ->> 'subject';
BEGIN
    SELECT * INTO l FROM keys_limitset
    WHERE subject = CASE WHEN name LIKE 'address:%' THEN 'address' ELSE name END;
    IF NOT FOUND THEN l := jsonb_populate_record(NULL::keys_limitset, given); END IF;
    RETURN l;
END $$;

-- The subjects with limits: the App, the key, and for callers without a key those that the caller gave. Every statement
-- takes them in this order, so that no two wait for one another.
CREATE FUNCTION keys_limits_subjects(of_app bigint, of_key bigint, given jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS
$$
DECLARE
    found jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('subject', subject) ORDER BY subject) INTO found
    FROM keys_limitset WHERE subject IN ('app:' || of_app, 'key:' || of_key);
    IF of_key IS NULL AND given IS NOT NULL THEN
        found := COALESCE(found, '[]') || given;
    END IF;
    RETURN found;
END $$;

CREATE FUNCTION keys_limits_admit(
    subjects jsonb, requests int, more_turns int, reserve bigint, reserve_money numeric, used bigint,
    used_money numeric, has_prices boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given jsonb;
BEGIN
    FOR given IN SELECT value FROM jsonb_array_elements(subjects) LOOP
        PERFORM keys_limits_take(keys_limits_of(given), given ->> 'subject', requests, more_turns, reserve,
            reserve_money, used, used_money, has_prices);
    END LOOP;
END $$;

CREATE FUNCTION keys_limits_settle(
    subjects jsonb, fewer_turns int, release bigint, release_money numeric, used bigint, used_money numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given jsonb;
    to_slot int;
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    this_month date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    FOR given IN SELECT value FROM jsonb_array_elements(subjects) LOOP
        -- No drain of requests here: without the limits at hand, the slot keeps its own time.
        FOREACH to_slot IN ARRAY ARRAY[pg_backend_pid() % 16, 0] LOOP
            UPDATE keys_limitstate SET
                running_turns = running_turns - fewer_turns, reserved_tokens = reserved_tokens - release,
                reserved_money = reserved_money - release_money,
                day = today, day_tokens = CASE WHEN day = today THEN day_tokens ELSE 0 END + used,
                day_money = CASE WHEN day = today THEN day_money ELSE 0 END + used_money,
                month = this_month, month_tokens = CASE WHEN month = this_month THEN month_tokens ELSE 0 END + used,
                month_money = CASE WHEN month = this_month THEN month_money ELSE 0 END + used_money
            WHERE subject = given ->> 'subject' AND slot = to_slot;
            EXIT WHEN FOUND;
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION keys_limits_begin() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    this_month date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    -- A subject that had limits before was not counted without them.
    UPDATE keys_limitstate SET day = today, month = this_month,
        day_tokens = CASE slot WHEN 0 THEN d.tokens ELSE 0 END, day_money = CASE slot WHEN 0 THEN d.money ELSE 0 END,
        month_tokens = CASE slot WHEN 0 THEN m.tokens ELSE 0 END,
        month_money = CASE slot WHEN 0 THEN m.money ELSE 0 END
    FROM keys_limits_used(NEW.subject, today) d, keys_limits_used(NEW.subject, this_month) m
    WHERE subject = NEW.subject;
    RETURN NULL;
END $$;
CREATE TRIGGER limits_begin AFTER INSERT ON keys_limitset FOR EACH ROW EXECUTE FUNCTION keys_limits_begin();
"""

TURNS = """
CREATE FUNCTION keys_account_turn() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was_running boolean := TG_OP <> 'INSERT' AND OLD.status = 'running';
    more_tokens bigint;
    more_money numeric;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF was_running THEN  -- nobody will learn what its last round used, so it counts as much as it may have
            OLD.status := 'interrupted';
            OLD.finished_at := clock_timestamp();
            OLD.unreported_tokens := OLD.unreported_tokens + OLD.reserved_tokens;
            PERFORM keys_usage_add_turn(OLD, 1);
            IF OLD.admission IS NOT NULL THEN
                PERFORM keys_limits_settle(OLD.admission, 1, OLD.reserved_tokens, COALESCE(OLD.reserved_cost, 0),
                    OLD.reserved_tokens, COALESCE(OLD.reserved_cost, 0));
            END IF;
        END IF;
        RETURN OLD;
    END IF;

    IF TG_OP = 'UPDATE' THEN
        more_tokens := COALESCE(NEW.prompt_tokens, 0) + COALESCE(NEW.completion_tokens, 0) + NEW.unreported_tokens
            - COALESCE(OLD.prompt_tokens, 0) - COALESCE(OLD.completion_tokens, 0) - OLD.unreported_tokens;
        more_money := COALESCE(NEW.cost, 0) + NEW.unreported_cost - COALESCE(OLD.cost, 0) - OLD.unreported_cost;
    END IF;

    IF NEW.status = 'running' THEN
        IF NOT was_running THEN
            NEW.admission := keys_limits_subjects(NEW.app_id, NEW.app_key_id, NEW.admission);
            IF NEW.admission IS NOT NULL THEN
                -- A turn that goes on after its user's answer is not another request.
                PERFORM keys_limits_admit(NEW.admission,
                    CASE WHEN TG_OP = 'UPDATE' AND OLD.status = 'paused' THEN 0 ELSE 1 END,
                    1, NEW.reserved_tokens, COALESCE(NEW.reserved_cost, 0), 0, 0, NEW.reserved_cost IS NOT NULL);
            END IF;
        ELSIF OLD.admission IS NOT NULL THEN
            NEW.admission := OLD.admission;
            PERFORM keys_limits_admit(NEW.admission, 0, 0, NEW.reserved_tokens - OLD.reserved_tokens,
                COALESCE(NEW.reserved_cost, 0) - COALESCE(OLD.reserved_cost, 0), more_tokens, more_money,
                NEW.reserved_cost IS NOT NULL);
        END IF;
    ELSE
        IF was_running AND OLD.admission IS NOT NULL THEN
            PERFORM keys_limits_settle(OLD.admission, 1, OLD.reserved_tokens, COALESCE(OLD.reserved_cost, 0),
                more_tokens, more_money);
        END IF;
        NEW.admission := NULL;
        NEW.reserved_tokens := 0;
        NEW.reserved_cost := NULL;
    END IF;

    IF TG_OP = 'UPDATE' AND NOT was_running THEN
        PERFORM keys_usage_add_turn(OLD, -1);
    END IF;
    IF NEW.status <> 'running' THEN
        PERFORM keys_usage_add_turn(NEW, 1);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER turn_begins_accounted BEFORE INSERT ON sessions_app_turn
    FOR EACH ROW EXECUTE FUNCTION keys_account_turn();
-- The text of a running turn is stored every few seconds; that costs nothing here.
CREATE TRIGGER turn_changes_accounted BEFORE UPDATE ON sessions_app_turn FOR EACH ROW
    WHEN ((OLD.status, OLD.reserved_tokens, OLD.reserved_cost, OLD.prompt_tokens, OLD.completion_tokens, OLD.cost,
            OLD.unreported_tokens, OLD.unreported_cost, OLD.unpriced_tokens, OLD.tool_rounds, OLD.first_token_ms,
            OLD.model, OLD.started_at, OLD.finished_at)
        IS DISTINCT FROM (NEW.status, NEW.reserved_tokens, NEW.reserved_cost, NEW.prompt_tokens, NEW.completion_tokens,
            NEW.cost, NEW.unreported_tokens, NEW.unreported_cost, NEW.unpriced_tokens, NEW.tool_rounds,
            NEW.first_token_ms, NEW.model, NEW.started_at, NEW.finished_at))
    EXECUTE FUNCTION keys_account_turn();
CREATE TRIGGER turn_goes_accounted BEFORE DELETE ON sessions_app_turn FOR EACH ROW WHEN (OLD.status = 'running')
    EXECUTE FUNCTION keys_account_turn();
"""

# Turns of earlier versions. No turn may end between this and the triggers.
FILL = """
LOCK TABLE sessions_app_turn IN SHARE ROW EXCLUSIVE MODE;
UPDATE sessions_app_turn SET unpriced_tokens = COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0)
WHERE cost IS NULL AND COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0) > 0;
CREATE FUNCTION pg_temp.histogram(buckets int[]) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(n ORDER BY bucket) FROM (
        SELECT bucket, count(seen) AS n FROM generate_series(1, 35) AS bucket LEFT JOIN unnest(buckets) AS seen
            ON seen = bucket GROUP BY bucket) counted
$$;
INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, slot, app_slug, app_key_label, turns, errors,
    interruptions, tool_rounds, prompt_tokens, completion_tokens, cost, unpriced_tokens, latency_ms_sum,
    latency_counts, first_token_counts)
SELECT day, turn.app_id, key_id, model, 'turn', 0, app.slug, COALESCE(key.label, ''), count(*),
    count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'interrupted'), sum(tool_rounds),
    sum(COALESCE(prompt_tokens, 0)), sum(COALESCE(completion_tokens, 0)), sum(COALESCE(cost, 0)), sum(unpriced_tokens),
    sum(COALESCE(latency, 0)), pg_temp.histogram(array_agg(keys_usage_bucket(latency))),
    pg_temp.histogram(array_agg(keys_usage_bucket(first_token_ms)))
FROM (
    SELECT *, (started_at AT TIME ZONE 'UTC')::date AS day, COALESCE(app_key_id, 0) AS key_id,
        CASE WHEN paused_until IS NULL AND finished_at IS NOT NULL THEN
            GREATEST(0, extract(epoch FROM finished_at - started_at) * 1000)::bigint END AS latency
    FROM sessions_app_turn WHERE status <> 'running') turn
JOIN apps_registry_app app ON app.id = turn.app_id
LEFT JOIN keys_appkey key ON key.id = turn.key_id
GROUP BY day, turn.app_id, key_id, model, app.slug, key.label;
DROP FUNCTION pg_temp.histogram(int[]);
"""

UNDO = """
DROP TRIGGER turn_begins_accounted ON sessions_app_turn;
DROP TRIGGER turn_changes_accounted ON sessions_app_turn;
DROP TRIGGER turn_goes_accounted ON sessions_app_turn;
DROP TRIGGER limits_begin ON keys_limitset;
DROP FUNCTION keys_account_turn(), keys_limits_begin(), keys_limits_settle(jsonb, int, bigint, numeric, bigint, numeric),
    keys_limits_admit(jsonb, int, int, bigint, numeric, bigint, numeric, boolean),
    keys_limits_subjects(bigint, bigint, jsonb), keys_limits_of(jsonb),
    keys_limits_take(keys_limitset, text, int, int, bigint, numeric, bigint, numeric, boolean),
    keys_limits_check(keys_limitset, text, keys_limitstate, int, int, bigint, numeric),
    keys_limits_is_large(keys_limitset, bigint, numeric),
    keys_limits_is_far(keys_limitset, keys_limitstate, double precision, int, int, bigint, numeric),
    keys_limits_add(text, int, keys_limitset, int, timestamptz, int, int, bigint, numeric, bigint, numeric),
    keys_limits_begun(text), keys_limits_sum(text, keys_limitset, timestamptz),
    keys_limits_used(text, date), keys_limits_seconds(timestamp, timestamptz),
    keys_limits_refuse(text, text, text, text, numeric, numeric, double precision),
    keys_usage_add_turn(sessions_app_turn, int),
    keys_usage_add(date, bigint, bigint, text, text, int, int, int, bigint, bigint, bigint, bigint, numeric, bigint,
        bigint, bigint, int),
    keys_usage_sum(bigint[]), keys_usage_bucket(bigint);
DELETE FROM keys_usage;
DELETE FROM keys_limitstate;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0010_usage_and_limits"),
        ("sessions_app", "0010_turn_accounting"),
    ]

    operations = [migrations.RunSQL(USAGE + LIMITS + FILL + TURNS, UNDO)]
