"""Which tools of an App failed lately, from the log of outbound calls."""

from dataclasses import dataclass

from django.db import connection

HOURS = 24
# Bounds the work for an App with many calls; the newest ones say best whether a tool works.
CALLS_READ = 2_000
MOST_SHOWN = 10

READ = """
WITH recent AS (
    SELECT id, tool, status, verdict FROM apps_registry_outboundcall
    WHERE app_id = %(app)s AND created_at > now() - make_interval(hours => %(hours)s) AND verdict <> 'cancelled'
    ORDER BY id DESC LIMIT %(read)s
), judged AS (
    SELECT *, verdict <> 'answered' OR COALESCE(status, 0) >= 400 AS has_failed FROM recent
)
SELECT tool, count(*) FILTER (WHERE has_failed), count(*),
    (array_agg(CASE WHEN verdict = 'answered' THEN 'status ' || status ELSE verdict END ORDER BY id DESC)
        FILTER (WHERE has_failed))[1]
FROM judged GROUP BY tool HAVING bool_or(has_failed)
ORDER BY 2 DESC, tool LIMIT %(shown)s
"""


@dataclass(frozen=True, slots=True)
class FailingTool:
    """A tool with failed calls.

    Attributes:
        name: as the log has it.
        failed: calls that got no answer, or one with a status from 400 on.
        calls: all of its calls.
        last: why the last of them failed.
    """

    name: str
    failed: int
    calls: int
    last: str


def failing_tools(app_id: int) -> list[FailingTool]:
    """Return the tools of an App with failed calls in the last HOURS, those with the most failures first."""
    with connection.cursor() as cursor:
        cursor.execute(READ, {"app": app_id, "hours": HOURS, "read": CALLS_READ, "shown": MOST_SHOWN})
        return [FailingTool(*row) for row in cursor.fetchall()]
