"""Circuit breakers of one worker: a model that keeps failing is left alone for a while, then probed once.

By hand: after the pause pybreaker 1.4, purgatory 3.0 and aiobreaker 1.2 let all waiting callers ask at once (tried in
November 2026), and none has a word for a caller that goes away before the model has answered.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 5
WINDOW_SECONDS = 60.0
OPEN_SECONDS = 30.0

# The provider's row, its base URL and its model id: what fails is a served model, or the key that the provider has.
ModelKey = tuple[int, str, str]


@dataclass(slots=True)
class _State:
    failures: int = 0
    first_failure: float = 0.0
    open_until: float = 0.0
    prober: object | None = None


class Breakers:
    """By model, how often it failed in a row."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._states: dict[ModelKey, _State] = {}

    def admits(self, key: ModelKey, caller: object) -> bool:
        """Tell whether a caller is to ask a model; of those that come after the pause the first one probes it."""
        state = self._states.get(key)
        if state is None or not state.open_until:
            return True
        if self._now() < state.open_until or state.prober is not None:
            return False
        state.prober = caller
        return True

    def has_open(self) -> bool:
        """Tell whether any model is left alone now."""
        return any(state.open_until > self._now() for state in self._states.values())

    def answered(self, key: ModelKey) -> None:
        """Forget its failures: it has said something."""
        self._states.pop(key, None)

    def failed(self, key: ModelKey) -> None:
        """Count a failure before the first token."""
        now = self._now()
        state = self._states.setdefault(key, _State())
        if state.failures and now - state.first_failure > WINDOW_SECONDS and not state.open_until:
            state.failures = 0
        if not state.failures:
            state.first_failure = now
        state.failures += 1
        if state.failures >= FAILURES:
            state.open_until, state.prober = now + OPEN_SECONDS, None

    def gave_up(self, key: ModelKey, caller: object) -> None:
        """A caller went away before the model had answered or failed: if it was to probe, somebody else may."""
        state = self._states.get(key)
        if state and state.prober is caller:
            state.prober = None


breakers = Breakers()
