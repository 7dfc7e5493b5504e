"""The workers and their problems, from the rows that they write (aomi_site/health/heartbeat.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import JSONField
from django.db.models.expressions import RawSQL

from aomi_site.health.heartbeat import FRESH_SECONDS
from sessions_app.models import WorkerState

MAX_WORKERS = 500
# The ids and names of the models that a worker skips; a model that was deleted meanwhile is left out.
OPEN_MODELS = """
COALESCE((SELECT jsonb_agg(jsonb_build_array(model.id, model.name) ORDER BY model.name)
FROM jsonb_array_elements(open_models) AS skipped (pair) JOIN apps_registry_model model
ON model.provider_id = (skipped.pair ->> 0)::bigint AND model.provider_model_id = skipped.pair ->> 1), '[]')
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker.

    Attributes:
        row: its last report.
        is_fresh: whether it has reported recently; otherwise it was probably killed.
        open_models: ids and names of the models that it skips for a while, because they kept failing.
    """

    row: WorkerState
    is_fresh: bool
    open_models: Sequence[tuple[int, str]]

    @property
    def problems(self) -> list[str]:
        """What is wrong with it; each is a part of a sentence."""
        if not self.is_fresh:
            return ["no longer reports: it was killed, or cannot reach PostgreSQL"]
        deaf = [] if self.row.hears_bus else ["does not hear the other workers (the bus)"]
        return [*deaf, *(f"its loop {name} fails" for name in self.row.failing_loops)]


def read_workers(now: datetime) -> list[Worker]:
    """Return the workers of the last hour, in one query; those that still report come first.

    Args:
        now: the current time; the times in the rows are PostgreSQL's.
    """
    rows = WorkerState.objects.annotate(skipped=RawSQL(OPEN_MODELS, (), output_field=JSONField()))  # noqa: S611 - a constant
    workers = [
        Worker(row, (now - row.seen_at).total_seconds() < FRESH_SECONDS, [(pk, name) for pk, name in row.skipped])
        for row in rows[:MAX_WORKERS]
    ]
    return sorted(workers, key=lambda worker: not worker.is_fresh)
