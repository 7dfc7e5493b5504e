"""Circuit breakers of one worker: a model that keeps failing is left alone for a while, then probed once."""

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 5
WINDOW_SECONDS = 60.0
OPEN_SECONDS = 30.0

ModelKey = tuple[str, str]  # base URL and the provider's model id: what fails is a served model, not a row


@dataclass(slots=True)
class _State:
    failures: int = 0
    first_failure: float = 0.0
    open_until: float = 0.0
    is_probed: bool = False


class Breakers:
    """By model, how often it failed in a row."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._states: dict[ModelKey, _State] = {}

    def admits(self, key: ModelKey) -> bool:
        """Tell whether a model is to be asked; of those that come after the pause the first one probes it."""
        state = self._states.get(key)
        if state is None or not state.open_until:
            return True
        if self._now() < state.open_until or state.is_probed:
            return False
        state.is_probed = True
        return True

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
            state.open_until, state.is_probed = now + OPEN_SECONDS, False

    def gave_up(self, key: ModelKey) -> None:
        """The caller went away before the model had answered or failed: somebody else may probe."""
        if state := self._states.get(key):
            state.is_probed = False


breakers = Breakers()
