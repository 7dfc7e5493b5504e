"""The tools of Apps that were called or failed recently, from the log of outbound calls."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count

from apps_registry.models import OutboundCall

HOURS = 24
# Limits the work for an App with many calls; the newest calls show best whether a tool works.
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
        name: its name in the log.
        failed: the number of calls without a response, or with a status of at least 400.
        calls: the number of all its calls.
        last: why the last failed call failed.
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


def count_calls(app_ids: Collection[int], since: datetime) -> dict[tuple[int, str], tuple[int, int]]:
    """Return the calls of each tool that was called, and how many of them failed, by App and the tool's name.

    Args:
        app_ids: the Apps.
        since: the time of the first call that counts. Cancelled calls do not.
    """
    calls = OutboundCall.objects.filter(app_id__in=app_ids, created_at__gte=since).exclude(verdict="cancelled")
    counted = calls.order_by().values_list("app_id", "tool")
    rows = counted.annotate(ended=Count("pk"), failed=Count("pk", filter=OutboundCall.FAILED))
    return {(app_id, tool): (ended, failed) for app_id, tool, ended, failed in rows}
