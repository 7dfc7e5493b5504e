"""Counters of large limits are spread over slots, and are exact under any number of simultaneous calls."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from keys.limits.values import key_subject
from keys.models import LimitState
from tests.accounts import limit, state

LINES = 12
ADMIT = """
SELECT keys_limits_admit(%(subjects)s::jsonb, %(requests)s, %(turns)s, %(tokens)s, %(money)s, 0, 0, true)
"""
SETTLE = "SELECT keys_limits_settle(%(subjects)s::jsonb, %(turns)s, %(tokens)s, %(money)s, %(used)s, %(used_money)s)"
LIMITED: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "requests": ({"requests_per_minute": 1, "burst": 500}, {"requests": 1}, 500),
    "turns": ({"concurrent_turns": 500}, {"turns": 1}, 500),
    "tokens a day": ({"tokens_per_day": 5_000}, {"tokens": 10}, 500),
    "tokens a month": ({"tokens_per_month": 5_005}, {"tokens": 10}, 500),
    "money": ({"money_per_day": 5}, {"money": "0.01", "tokens": 1}, 500),
    "one so large that no slot may take it": ({"tokens_per_day": 5_000}, {"tokens": 500}, 10),
    "all at once": (
        {"requests_per_minute": 1, "burst": 500, "concurrent_turns": 510, "tokens_per_day": 5_100},
        {"requests": 1, "turns": 1, "tokens": 10},
        500,
    ),
}
NOTHING = {"requests": 0, "turns": 0, "tokens": 0, "money": 0}
number = iter(range(10**9, 2 * 10**9))


@pytest.mark.parametrize("case", LIMITED)
def test_exactly_as_many_turns_pass_as_the_limit_allows(case: str, database: str) -> None:
    limits, each, expected = LIMITED[case]
    subject = key_subject(next(number))
    limit(subject, **limits)
    parameters = {**NOTHING, **each, "subjects": f'[{{"subject": "{subject}"}}]'}

    def take(_: int) -> int:
        passed = 0
        with psycopg.connect(database, autocommit=True) as connection:
            for _ in range(expected // LINES + expected // 4 + 1):
                try:
                    connection.execute(ADMIT, parameters)
                    passed += 1
                except psycopg.Error as error:
                    assert error.sqlstate == "AO429"  # noqa: PT017
        return passed

    with ThreadPoolExecutor(LINES) as threads:
        assert sum(threads.map(take, range(LINES))) == expected


def test_what_is_settled_in_any_slot_is_released(database: str) -> None:
    subject = key_subject(next(number))
    limit(subject, concurrent_turns=1_000, tokens_per_day=10**6)
    parameters = {**NOTHING, "turns": 1, "tokens": 100, "subjects": f'[{{"subject": "{subject}"}}]'}

    def turns(_: int) -> None:
        with psycopg.connect(database, autocommit=True) as one, psycopg.connect(database, autocommit=True) as other:
            for _ in range(20):
                one.execute(ADMIT, parameters)
                other.execute(SETTLE, {**parameters, "used": 7, "used_money": 0})

    with ThreadPoolExecutor(LINES) as threads:
        list(threads.map(turns, range(LINES)))
    used = state(subject)
    assert (used.running_turns, used.reserved_tokens, used.day_tokens) == (0, 0, LINES * 20 * 7)
    assert LimitState.objects.filter(subject=subject).count() == 16
