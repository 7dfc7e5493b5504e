"""Ranks groups by their usage. PostgreSQL sorts them, so a page that shows few of many groups reads only these."""

from typing import Any

from django.db import connection

from keys.usage.reading import Filter, conditions_of, source_of

# The columns that identify groups; the sums include the names.
IDS = {"app": "usage.app_id", "key": "usage.app_key_id", "model": "usage.model"}
NUMBERS = {
    "turns": "sum(usage.turns)",
    "tokens": "sum(usage.prompt_tokens + usage.completion_tokens)",
    "cost": "sum(usage.cost)",
    "error_rate": "COALESCE(sum(usage.errors) / NULLIF(sum(usage.turns), 0), 0)",
}


def ranked(by: str, where: Filter, *, number: str, most: int) -> tuple[list[Any], int]:
    """Return the ids of the groups with the highest values of a number, the highest first, and the number of groups.

    Args:
        by: one of IDS.
        where: which usage counts.
        number: one of NUMBERS.
        most: the maximum number of ids.
    """
    conditions, parameters = conditions_of(where)
    statement = f"""
SELECT {IDS[by]}, count(*) OVER () FROM {source_of(by == "key", where)}
WHERE {" AND ".join(conditions)}
GROUP BY 1 ORDER BY {NUMBERS[number]} DESC, 1 LIMIT %s
"""
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, most])
        rows = cursor.fetchall()
    return [row[0] for row in rows], rows[0][1] if rows else 0
