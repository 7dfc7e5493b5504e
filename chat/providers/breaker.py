"""Circuit breakers of one worker: a model that keeps failing is skipped for a while, then probed once.

This is our own code because, after the pause, pybreaker 1.4, purgatory 3.0 and aiobreaker 1.2 admit all waiting callers
together (tested in November 2026), and none of them handles a caller that leaves before the model has answered.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 5
WINDOW_SECONDS = 60.0
OPEN_SECONDS = 30.0

# The id of the provider's row, its base URL and its model id. A failure concerns one model of one provider.
ModelKey = tuple[int, str, str]


@dataclass(slots=True)
class _State:
    failures: int = 0
    first_failure: float = 0.0
    open_until: float = 0.0
    prober: object | None = None


class Breakers:
    """The state of each model's circuit breaker."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._states: dict[ModelKey, _State] = {}

    def admits(self, key: ModelKey, caller: object) -> bool:
        """Return whether a caller may call a model; after the pause, only the first caller may, to probe it."""
        state = self._states.get(key)
        if state is None or not state.open_until:
            return True
        if self._now() < state.open_until or state.prober is not None:
            return False
        state.prober = caller
        return True

    def has_open(self) -> bool:
        """Return whether any breaker is open."""
        return bool(self.open_models())

    def open_models(self) -> list[ModelKey]:
        """Return the models that are skipped now."""
        return [key for key, state in self._states.items() if state.open_until > self._now()]

    def answered(self, key: ModelKey) -> None:
        """Reset a model's failures, because it has answered."""
        self._states.pop(key, None)

    def failed(self, key: ModelKey) -> None:
        """Count a failure before the first token."""
        current_time = self._now()
        state = self._states.setdefault(key, _State())
        if state.failures and current_time - state.first_failure > WINDOW_SECONDS and not state.open_until:
            state.failures = 0
        if not state.failures:
            state.first_failure = current_time
        state.failures += 1
        if state.failures >= FAILURES:
            state.open_until, state.prober = current_time + OPEN_SECONDS, None

    def gave_up(self, key: ModelKey, caller: object) -> None:
        """Release the probe of a caller that left before the model answered or failed; another caller may probe."""
        state = self._states.get(key)
        if state and state.prober is caller:
            state.prober = None


breakers = Breakers()
