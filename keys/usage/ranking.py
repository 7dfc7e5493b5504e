"""Which groups used most. PostgreSQL sorts them, so that a page of few of many groups reads few."""

from typing import Any

from django.db import connection

from keys.usage.reading import Filter, conditions_of, source_of

# The columns that tell groups apart; their names come with their sums.
IDS = {"app": "usage.app_id", "key": "usage.app_key_id", "model": "usage.model"}
NUMBERS = {
    "turns": "sum(usage.turns)",
    "tokens": "sum(usage.prompt_tokens + usage.completion_tokens)",
    "cost": "sum(usage.cost)",
    "error_rate": "COALESCE(sum(usage.errors) / NULLIF(sum(usage.turns), 0), 0)",
}


def ranked(by: str, where: Filter, *, number: str, most: int) -> tuple[list[Any], int]:
    """Return the ids of the groups with the most of a number, the first one first, and how many groups there are.

    Args:
        by: one of IDS.
        where: what to sum.
        number: one of NUMBERS.
        most: how many ids at most.
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
