"""What all Apps together used in each hour of a day, to compare a day with the same time of earlier ones."""

from datetime import date

from django.db import connection

from keys.usage.reading import COUNTS, SUMS, UsageRow, row_of

_COLUMNS = ", ".join(["day", "hour", *SUMS, "latency_counts", "first_token_counts"])
# Hours of today and yesterday are in the sums of all keys once they are folded.
READ = f"""
SELECT day, hour, {", ".join([*(f"sum(usage.{name})" for name in SUMS), *COUNTS])}
FROM (
    SELECT {_COLUMNS} FROM keys_usage WHERE day = ANY(%(days)s) AND hour >= 0 AND slot >= 0
    UNION ALL SELECT {_COLUMNS} FROM keys_usagetotal WHERE day = ANY(%(days)s) AND hour >= 0
    UNION ALL SELECT {_COLUMNS} FROM keys_usagehour WHERE day = ANY(%(days)s)
) usage
GROUP BY day, hour ORDER BY day, hour
"""


def by_hour(*days: date) -> list[UsageRow]:
    """Return the usage of each hour in which there was any, for days of the last five weeks.

    Args:
        days: the days (UTC).
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, {"days": list(days)})
        return [row_of(["day", "hour"], values) for values in cursor.fetchall()]
