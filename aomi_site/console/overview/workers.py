"""The workers and their problems, from the rows that they write (aomi_site/health/heartbeat.py)."""

from dataclasses import dataclass
from datetime import datetime

from sessions_app.models import WorkerState

# Three heartbeats and a half: a busy machine may be late with one.
FRESH_SECONDS = 35.0
MAX_WORKERS = 500


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker.

    Attributes:
        row: its last report.
        is_fresh: whether it has reported recently; otherwise it was probably killed.
    """

    row: WorkerState
    is_fresh: bool

    @property
    def problems(self) -> list[str]:
        """What is wrong with it; each is a part of a sentence."""
        if not self.is_fresh:
            return ["no longer reports: it was killed, or cannot reach PostgreSQL"]
        deaf = [] if self.row.hears_bus else ["does not hear the other workers (the bus)"]
        return [*deaf, *(f"its loop {name} fails" for name in self.row.failing_loops)]


def read_workers(now: datetime) -> list[Worker]:
    """Return the workers of the last hour; those that still report come first.

    Args:
        now: the current time; the times in the rows are PostgreSQL's.
    """
    workers = [
        Worker(row, (now - row.seen_at).total_seconds() < FRESH_SECONDS)
        for row in WorkerState.objects.all()[:MAX_WORKERS]
    ]
    return sorted(workers, key=lambda worker: not worker.is_fresh)
