"""Collects refused calls in memory until they are written: a bounded number of rows a minute, and counts beyond.

A flood must neither fill the table nor hide what happens to others. So each group of equal refusals (rule, address,
key) gets a few rows per minute. Callers without a valid key share one budget of rows; holders of valid keys and uses of
canaries share another. Refusals over a budget are counted per group or, if there are too many groups, per rule.
"""

import itertools
import secrets
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from apps_registry.support.http.request_notes import Fact

GROUP_ROWS = 20
STRANGERS_ROWS = 300
IMPORTANT_ROWS = 300
GROUPS_COUNTED = 100
# How many refusals wait while Postgres is unavailable; further ones are only counted.
PENDING_MAX = 5_000
_SEQUENCE_BITS = 10


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A refused call; columns as in `keys.models.Refusal`.

    Attributes:
        at: seconds since 1970.
        is_holder: whether the call had a valid key.
    """

    at: float
    request_id: uuid.UUID | None
    status: int
    code: str
    rule: str
    key_id: int | None = None
    app: str = ""
    address: str = ""
    method: str = ""
    path: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    count: int = 1
    is_holder: bool = False

    @property
    def canary_id(self) -> int | None:
        """The CanaryKey whose use this is."""
        canary_id = self.facts.get("canary")
        return canary_id if isinstance(canary_id, int) else None


class _Group(NamedTuple):
    """Refusals that are counted together."""

    minute: int
    status: int
    code: str
    rule: str
    address: str
    key_id: int | None


class Recorder:
    """The refusals of one worker that are not written yet."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pending: deque[tuple[int, RefusedCall]] = deque()
        self._beyond: Counter[_Group] = Counter()
        self._minute = 0
        self._in_group: Counter[_Group] = Counter()
        self._rows = {True: 0, False: 0}
        # Each worker starts at a random number, so that ids of the same microsecond differ.
        self._sequence = itertools.count(secrets.randbits(_SEQUENCE_BITS))

    def record(self, call: RefusedCall) -> None:
        """Keep a refused call, or count it if its minute has enough rows."""
        self._begin_minute(int(call.at // 60))
        group = _Group(self._minute, call.status, call.code, call.rule, call.address, call.key_id)
        is_important = call.is_holder or call.canary_id is not None
        budget = IMPORTANT_ROWS if is_important else STRANGERS_ROWS
        is_over = self._in_group[group] >= GROUP_ROWS or self._rows[is_important] >= budget
        if is_over or len(self._pending) >= PENDING_MAX:
            self._count(group)
            return
        self._in_group[group] += 1
        self._rows[is_important] += 1
        self._pending.append((self._id(call.at), call))

    def take(self, *, everything: bool = False) -> list[tuple[int, RefusedCall]]:
        """Remove and return the rows to write now, with ids.

        Args:
            everything: also the counts of the running minute, because the worker stops.
        """
        rows = [*self._pending]
        self._pending.clear()
        now = int(self._clock() // 60)
        for group in [group for group in self._beyond if everything or group.minute < now]:
            rows.append((self._id(group.minute * 60.0), _as_call(group, self._beyond.pop(group))))
        return rows

    def put_back(self, rows: list[tuple[int, RefusedCall]]) -> None:
        """Keep rows that could not be written; if there are too many, the newest ones."""
        self._pending.extendleft(reversed(rows))
        while len(self._pending) > PENDING_MAX:
            self._pending.popleft()

    def _begin_minute(self, minute: int) -> None:
        if minute != self._minute:
            self._minute = minute
            self._in_group.clear()
            self._rows = {True: 0, False: 0}

    def _count(self, group: _Group) -> None:
        if group not in self._beyond and len(self._beyond) >= GROUPS_COUNTED:
            group = group._replace(address="", key_id=None)
        self._beyond[group] += 1

    def _id(self, at: float) -> int:
        low = next(self._sequence) & ((1 << _SEQUENCE_BITS) - 1)
        return (int(at * 1_000_000) << _SEQUENCE_BITS) | low


def _as_call(group: _Group, count: int) -> RefusedCall:
    call = RefusedCall(group.minute * 60.0, None, group.status, group.code, group.rule)
    return replace(call, address=group.address, key_id=group.key_id, count=count)


recorder = Recorder()
