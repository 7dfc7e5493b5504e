"""The memory for refused calls is bounded, and one caller's flood hides no other caller's refusals."""

import uuid
from typing import Any

from keys.refusals.recorder import (
    GROUP_ROWS,
    GROUPS_COUNTED,
    IMPORTANT_ROWS,
    PENDING_MAX,
    STRANGERS_ROWS,
    Recorder,
    RefusedCall,
)

START = 1_800_000_000.0


def call(**overrides: Any) -> RefusedCall:
    fields = {"at": START, "request_id": uuid.uuid4(), "status": 401, "code": "invalid_app_key", "rule": "key_unknown"}
    return RefusedCall(**{**fields, **overrides})


def make_recorder() -> tuple[Recorder, list[float]]:
    now = [START]
    return Recorder(clock=lambda: now[0]), now


def test_equal_refusals_have_a_few_rows_and_one_count() -> None:
    recorder, now = make_recorder()
    for _ in range(1000):
        recorder.record(call(address="192.0.2.1"))
    assert len(recorder.take()) == GROUP_ROWS
    assert recorder.take() == []  # the count is for a whole minute
    now[0] += 60
    ((_, beyond),) = recorder.take()
    assert (beyond.count, beyond.address, beyond.request_id) == (1000 - GROUP_ROWS, "192.0.2.1", None)


def test_a_minute_has_a_bounded_number_of_rows_from_any_number_of_addresses() -> None:
    recorder, _ = make_recorder()
    for number in range(10_000):
        recorder.record(call(address=f"192.0.{number // 250}.{number % 250}"))
    rows = recorder.take(everything=True)
    assert len(rows) <= STRANGERS_ROWS + GROUPS_COUNTED + 1
    assert sum(row.count for _, row in rows) == 10_000


def test_a_flood_of_strangers_hides_neither_holders_nor_canaries() -> None:
    recorder, _ = make_recorder()
    for number in range(10_000):
        recorder.record(call(address=f"192.0.{number // 250}.{number % 250}"))
    recorder.record(call(rule="app_not_in_scope", key_id=1, is_holder=True))
    recorder.record(call(rule="key_canary", facts={"canary": 3}))
    singles = [row for _, row in recorder.take() if row.count == 1]
    assert [row.rule for row in singles[-2:]] == ["app_not_in_scope", "key_canary"]
    assert singles[-1].canary_id == 3


def test_the_next_minute_starts_again_and_ids_grow_with_time() -> None:
    recorder, _ = make_recorder()
    for minute in range(3):
        for _ in range(GROUP_ROWS):
            recorder.record(call(at=START + 60 * minute))
    ids = [id_ for id_, _ in recorder.take()]
    assert len(set(ids)) == 3 * GROUP_ROWS
    assert ids[0] < ids[GROUP_ROWS] < ids[2 * GROUP_ROWS]
    assert ids[-1] < 2**63


def test_what_cannot_be_written_is_kept_up_to_a_bound() -> None:
    recorder, _ = make_recorder()
    for minute in range(PENDING_MAX // IMPORTANT_ROWS + 5):
        for number in range(IMPORTANT_ROWS):
            recorder.record(call(at=START + 60 * minute, address=str(number), is_holder=True))
    rows = recorder.take()
    assert len(rows) == PENDING_MAX
    recorder.record(call(at=START + 86_400))
    recorder.put_back(rows)
    again = recorder.take()
    assert len(again) == PENDING_MAX
    assert again[-1][1].at == START + 86_400
