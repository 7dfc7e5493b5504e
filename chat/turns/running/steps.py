"""Records when the rounds and the tool calls of a turn began and ended, for the timeline that operators see."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chat.events import RoundEnded, ToolResult

# A turn's timeline is for people: further steps are not recorded.
STEPS_MAX = 200
NAME_MAX_CHARS = 64


class Steps:
    """The steps of a turn since it started, or resumed, on this worker.

    Each is a dictionary: `kind` (model, tool or pause), `name`, `round`, `at` and `until` in milliseconds since 1970 by
    Postgres's clock, for a model `first` (its first token) and `tokens` (prompt and reply), and `cut` if it was
    interrupted.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin with the first round's wait for the model; `now` returns the time by Postgres's clock."""
        self._now = now
        self._done: list[dict[str, Any]] = []
        self._since = self._milliseconds()
        self._first: int | None = None
        self._round = 1
        # The calls that are being made, by their index in the round: name and start.
        self._calls: dict[int, tuple[str, int]] = {}

    def text_arrived(self) -> None:
        """Record the time of the first piece of text of a round."""
        if self._first is None:
            self._first = self._milliseconds()

    def calls_go_on(self, round_number: int, names: dict[int, str]) -> None:
        """Start with the calls of a round, by index, because the turn resumes with them."""
        self._round = round_number
        self._calls = {index: (name, self._since) for index, name in names.items()}

    def round_ended(self, event: RoundEnded, model: str) -> None:
        """Record the end of a round, which is the start of its calls."""
        until = self._milliseconds()
        step = self._model_step(model, until) | {"round": event.round_number}
        self._add(step | {"tokens": [event.prompt_tokens, event.completion_tokens]})
        self._calls = {index: (call.name, until) for index, call in enumerate(event.tool_calls)}
        self._round, self._since, self._first = event.round_number, until, None

    def answered(self, event: ToolResult) -> None:
        """Record the end of a call; the end of the last one is the start of the next round."""
        until = self._milliseconds()
        if (call := self._calls.pop(event.place, None)) is not None:
            self._add(_tool_step(*call, event.round_number, until))
        self._since, self._round = until, event.round_number + 1

    def until_now(self, model: str, *, is_paused: bool, is_cut: bool) -> list[dict[str, Any]]:
        """Return the steps so far.

        Args:
            model: the model that was asked last.
            is_paused: whether the turn now waits for its client.
            is_cut: whether the current steps were interrupted.
        """
        now = self._milliseconds()
        if is_paused:
            return [*self._done, {"kind": "pause", "name": "", "round": self._round, "at": now}]
        if not is_cut:
            return list(self._done)
        going_on = [_tool_step(*call, self._round, now) for call in self._calls.values()]
        going_on = going_on or [self._model_step(model, now)]
        return [*self._done, *({**step, "cut": True} for step in going_on)]

    def _model_step(self, model: str, until: int) -> dict[str, Any]:
        step = {"kind": "model", "name": model[:NAME_MAX_CHARS], "round": self._round, "at": self._since}
        return step | {"first": self._first, "until": until}

    def _add(self, step: dict[str, Any]) -> None:
        if len(self._done) < STEPS_MAX:
            self._done.append(step)

    def _milliseconds(self) -> int:
        return round(self._now().timestamp() * 1000)


def _tool_step(name: str, at: int, round_number: int, until: int) -> dict[str, Any]:
    return {"kind": "tool", "name": name[:NAME_MAX_CHARS], "round": round_number, "at": at, "until": until}
