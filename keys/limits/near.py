"""Keys and Apps that have used most of a limit of the day or month, and keys that expire soon."""

from dataclasses import dataclass
from datetime import datetime

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
)
(SELECT split_part(shares.subject, ':', 1), split_part(shares.subject, ':', 2)::bigint,
    COALESCE(key.label, app.slug), rule, share::float, NULL
FROM shares
LEFT JOIN keys_appkey key ON shares.subject = 'key:' || key.id
LEFT JOIN apps_registry_app app ON shares.subject = 'app:' || app.id
WHERE share >= %(near)s AND COALESCE(key.id, app.id) IS NOT NULL AND key.revoked_at IS NULL
ORDER BY share DESC LIMIT %(most)s)
UNION ALL
(SELECT 'key', id, label, '', NULL, expires_at FROM keys_appkey
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


def near_an_end(now: datetime, soon: datetime, most: int) -> tuple[list[NearLimit], list[Expiring]]:
    """Return Apps and keys that have used at least NEAR of a limit of the day or month, and keys that expire soon.

    Args:
        now: the current time.
        soon: keys that expire before this time are included.
        most: the maximum number of each; those nearest to the end come first.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, {"near": NEAR, "most": most, "now": now, "soon": soon})
        rows = cursor.fetchall()
    near = [NearLimit(*values) for *values, expires_at in rows if expires_at is None]
    return near, [Expiring(row[1], row[2], row[5]) for row in rows if row[5] is not None]
