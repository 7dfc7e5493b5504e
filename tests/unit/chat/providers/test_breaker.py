"""The circuit breaker, with a clock that the test controls."""

import pytest

from chat.providers.breaker import FAILURES, OPEN_SECONDS, WINDOW_SECONDS, Breakers

KEY, OTHER = (1, "http://a/v1", "m"), (1, "http://a/v1", "n")
CALLER = object()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_one(clock: Clock) -> Breakers:
    """Return a breaker that has just opened."""
    breakers = Breakers(clock)
    for _ in range(FAILURES):
        assert breakers.admits(KEY, CALLER)
        breakers.failed(KEY)
    return breakers


def test_it_opens_for_one_model_after_failures_in_a_row(open_one: Breakers) -> None:
    assert not open_one.admits(KEY, CALLER)
    assert open_one.admits(OTHER, CALLER)


def test_an_answer_in_between_resets_the_count(clock: Clock) -> None:
    breakers = Breakers(clock)
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breakers.failed(KEY)
        breakers.answered(KEY)
    assert breakers.admits(KEY, CALLER)


def test_failures_far_apart_do_not_open_it(clock: Clock) -> None:
    breakers = Breakers(clock)
    for _ in range(3 * FAILURES):
        breakers.failed(KEY)
        clock.now += WINDOW_SECONDS / (FAILURES - 2)
    assert breakers.admits(KEY, CALLER)


def test_after_the_pause_one_caller_probes(open_one: Breakers, clock: Clock) -> None:
    clock.now += OPEN_SECONDS - 0.1
    assert not open_one.admits(KEY, CALLER)
    clock.now += 0.2
    assert [open_one.admits(KEY, CALLER) for _ in range(3)] == [True, False, False]
    open_one.failed(KEY)
    assert not open_one.admits(KEY, CALLER)
    clock.now += OPEN_SECONDS
    assert open_one.admits(KEY, CALLER)
    open_one.answered(KEY)
    assert [open_one.admits(KEY, CALLER) for _ in range(3)] == [True] * 3


def test_a_probe_that_nobody_waits_for_leaves_it_to_the_next(open_one: Breakers, clock: Clock) -> None:
    clock.now += OPEN_SECONDS
    assert open_one.admits(KEY, CALLER)
    open_one.gave_up(KEY, object())  # a caller that was waiting when it opened, or that has no other model
    assert not open_one.admits(KEY, CALLER)
    open_one.gave_up(KEY, CALLER)
    assert [open_one.admits(KEY, CALLER) for _ in range(2)] == [True, False]
