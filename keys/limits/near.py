"""Keys and Apps that have used most of a limit of the day or month, and keys that expire soon."""

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
WHERE revoked_at IS NULL AND expires_at > %(now)s AND expires_at < %(soon)s ORDER BY expires_at LIMIT %(most)s)
"""


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
    """

    near: list[NearLimit]
    expiring: list[Expiring]
    keys: int
    expiring_keys: int
    app_ids: list[int]


def near_an_end(now: datetime, soon: datetime, most: int | None) -> NearAnEnd:
    """Return Apps and keys that have used at least NEAR of a limit of the day or month, and keys that expire soon.

    Args:
        now: the current time.
        soon: keys that expire before this time are included.
        most: the maximum number of each, None for all; those nearest to the end come first.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, {"near": NEAR, "most": most, "now": now, "soon": soon})
        rows = cursor.fetchall()
    limited = [row for row in rows if row[5] is None]
    expiring = [row for row in rows if row[5] is not None]
    return NearAnEnd(
        near=[NearLimit(*row[:5]) for row in limited],
        expiring=[Expiring(row[1], row[2], row[5]) for row in expiring],
        keys=next((row[6] for row in limited if row[0] == "key"), 0),
        expiring_keys=expiring[0][6] if expiring else 0,
        app_ids=next((row[7] for row in limited if row[0] == "app"), []),
    )


def keys_near_a_limit() -> list[int]:
    """Return the ids of all keys that have used at least NEAR of a limit of the day or month."""
    now = datetime.now(UTC)
    return [near.id for near in near_an_end(now, now, None).near if near.kind == "key"]
