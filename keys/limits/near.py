"""Keys and Apps near a limit of the day or month, keys that expire soon, and how many calls were refused lately."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

NEAR = 0.8

# Shares of limits of other days and months do not count: they are unused again.
READ = """
WITH used AS (
    SELECT subject, (clock_timestamp() AT TIME ZONE 'UTC')::date AS today,
        sum(CASE WHEN day = (clock_timestamp() AT TIME ZONE 'UTC')::date THEN day_tokens ELSE 0 END) AS day_tokens,
        sum(CASE WHEN day = (clock_timestamp() AT TIME ZONE 'UTC')::date THEN day_money ELSE 0 END) AS day_money,
        sum(CASE WHEN month = date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date
            THEN month_tokens ELSE 0 END) AS month_tokens,
        sum(CASE WHEN month = date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date
            THEN month_money ELSE 0 END) AS month_money
    FROM keys_limitstate WHERE subject LIKE 'key:%%' OR subject LIKE 'app:%%' GROUP BY subject
), shares AS (
    SELECT used.subject, rule, share FROM used JOIN keys_limitset ON keys_limitset.subject = used.subject,
    LATERAL (VALUES ('tokens per day', used.day_tokens::numeric / tokens_per_day),
        ('money per day', used.day_money / money_per_day),
        ('tokens per month', used.month_tokens::numeric / tokens_per_month),
        ('money per month', used.month_money / money_per_month)) AS rules (rule, share)
), near AS (
    SELECT DISTINCT ON (shares.subject) split_part(shares.subject, ':', 1) AS kind,
        split_part(shares.subject, ':', 2)::bigint AS id, COALESCE(key.label, app.slug) AS name, rule, share::float
    FROM shares
    LEFT JOIN keys_appkey key ON shares.subject = 'key:' || key.id
    LEFT JOIN apps_registry_app app ON shares.subject = 'app:' || app.id
    WHERE share >= %(near)s AND COALESCE(key.id, app.id) IS NOT NULL AND key.revoked_at IS NULL
    ORDER BY shares.subject, share DESC
)
(SELECT kind, id, name, rule, share, NULL::timestamptz, count(*) OVER (), NULL::bigint[]
FROM near WHERE kind = 'key' ORDER BY share DESC LIMIT %(most)s)
UNION ALL
(SELECT kind, id, name, rule, share, NULL::timestamptz, count(*) OVER (), array_agg(id) OVER ()
FROM near WHERE kind = 'app' ORDER BY share DESC LIMIT %(most)s)
UNION ALL
(SELECT 'key', id, label, '', NULL, expires_at, count(*) OVER (), NULL FROM keys_appkey
WHERE revoked_at IS NULL AND expires_at > %(now)s AND expires_at < %(soon)s AND NOT EXISTS (
    SELECT FROM keys_appkey successor WHERE successor.rotated_from_id = keys_appkey.id AND successor.revoked_at IS NULL)
ORDER BY expires_at LIMIT %(most)s)
"""
# The ids of refusals begin with their time. If the newest rows do not reach back a day, they are those of a flood, and
# the time that they cover counts.
REFUSED = """
UNION ALL
(SELECT 'refused', 0, '', '', (older / CASE WHEN number < %(newest)s THEN 23
    ELSE greatest(extract(epoch FROM %(now)s - interval '1 hour' - oldest) / 3600, 0.25) END)::float, NULL, recent, NULL
FROM (SELECT count(*) AS number, min(at) AS oldest,
        COALESCE(sum(count) FILTER (WHERE at > %(now)s - interval '1 hour'), 0)::bigint AS recent,
        COALESCE(sum(count) FILTER (WHERE at <= %(now)s - interval '1 hour'), 0) AS older
    FROM (SELECT at, count FROM keys_refusal
        WHERE id > (extract(epoch FROM %(now)s - interval '24 hours') * 1000000)::bigint * 1024
        ORDER BY id DESC LIMIT %(newest)s) AS newest) AS sums)
"""
# Bounds the time of the query, which the overview repeats every few seconds.
REFUSALS_READ = 20_000


@dataclass(frozen=True, slots=True)
class NearLimit:
    """A key or an App near a limit.

    Attributes:
        kind: "key" or "app".
        id: of its row.
        name: the key's label or the App's slug.
        rule: the limit, such as "tokens per day".
        share: how much of it is used; 1 is all.
    """

    kind: str
    id: int
    name: str
    rule: str
    share: float


@dataclass(frozen=True, slots=True)
class Expiring:
    """A key that expires soon."""

    id: int
    label: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NearAnEnd:
    """The keys and Apps nearest to an end.

    Attributes:
        near: each with the limit of which it has used most; keys first.
        expiring: keys; the next to expire comes first.
        keys, expiring_keys: how many there are of them, with those that are not included.
        app_ids: all Apps near a limit, with those that are not included.
        refused: the number of refused calls of the last hour.
        usually_refused: their number in an average hour of the 23 hours before.
    """

    near: list[NearLimit]
    expiring: list[Expiring]
    keys: int
    expiring_keys: int
    app_ids: list[int]
    refused: int
    usually_refused: float


def near_an_end(now: datetime, soon: datetime, most: int | None, *, with_refused: bool = False) -> NearAnEnd:
    """Return Apps and keys that have used at least NEAR of a limit of the day or month, and keys that expire soon.

    Keys that rotation has replaced are meant to expire, so they are left out.

    Args:
        now: the current time.
        soon: keys that expire before this time are included.
        most: the maximum number of each, None for all; those nearest to the end come first.
        with_refused: also count the refused calls of the last hour, in the same query.
    """
    values = {"near": NEAR, "most": most, "now": now, "soon": soon, "newest": REFUSALS_READ}
    with connection.cursor() as cursor:
        cursor.execute(READ + (REFUSED if with_refused else ""), values)
        rows = cursor.fetchall()
    refused = next((row for row in rows if row[0] == "refused"), None)
    limited = [row for row in rows if row[5] is None and row[0] != "refused"]
    expiring = [row for row in rows if row[5] is not None]
    return NearAnEnd(
        near=[NearLimit(*row[:5]) for row in limited],
        expiring=[Expiring(row[1], row[2], row[5]) for row in expiring],
        keys=next((row[6] for row in limited if row[0] == "key"), 0),
        expiring_keys=expiring[0][6] if expiring else 0,
        app_ids=next((row[7] for row in limited if row[0] == "app"), []),
        refused=refused[6] if refused else 0,
        usually_refused=refused[4] if refused else 0.0,
    )


def keys_near_a_limit() -> list[int]:
    """Return the ids of all keys that have used at least NEAR of a limit of the day or month."""
    now = datetime.now(UTC)
    return [near.id for near in near_an_end(now, now, None).near if near.kind == "key"]
