"""The workers that serve, by the rows that they write (aomi_site/health/heartbeat.py)."""

from dataclasses import dataclass
from datetime import datetime

from sessions_app.models import WorkerState

# Three heartbeats and a half: a busy machine may be late with one.
FRESH_SECONDS = 35.0
MOST = 500


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker.

    Attributes:
        row: what it wrote last.
        is_fresh: whether it has written lately; otherwise it was probably killed.
    """

    row: WorkerState
    is_fresh: bool

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        if not self.is_fresh:
            return ["no longer reports: it was killed, or has lost PostgreSQL"]
        deaf = [] if self.row.hears_bus else ["does not hear the other workers (the bus)"]
        return [*deaf, *(f"its loop {name} fails" for name in self.row.failing_loops)]


def read_workers(now: datetime) -> list[Worker]:
    """Return the workers of the last hour, those that serve first.

    Args:
        now: the present time; PostgreSQL wrote the times of the rows.
    """
    workers = [
        Worker(row, (now - row.seen_at).total_seconds() < FRESH_SECONDS) for row in WorkerState.objects.all()[:MOST]
    ]
    return sorted(workers, key=lambda worker: not worker.is_fresh)
