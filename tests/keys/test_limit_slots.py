"""Counters of large limits are spread over slots, and are exact under any number of simultaneous calls."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection as of_django

from apps_registry.models import App
from keys.limits.fuse import read_fuse, reset_fuse
from keys.limits.values import KEYLESS, key_subject
from keys.models import LimitSet, LimitState
from tests import factories
from tests.accounts import limit, state
from tests.waiting import wait_until

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


WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%keys_limits_%%'"
ADD_USAGE = """
SELECT keys_usage_add(clock_timestamp(), %(app)s, %(key)s, 'm', 'turn', 1, 0, 0, 0, 600, 100, 0, 0, 0, 1, 1, 1)
"""
LOCK_SLOT = "SELECT 1 FROM keys_limitstate WHERE subject = %s AND slot = %s FOR UPDATE"


def waiting_for(
    database: str, change: Callable[[], None], slot: int, subject: str, then: Callable[[Any], None]
) -> None:
    """Make a change while another transaction holds a slot, which does more before it commits."""

    def changed() -> None:
        try:
            change()
        finally:
            of_django.close()

    with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as watching:
        other.execute(LOCK_SLOT, [subject, slot])
        with ThreadPoolExecutor(1) as threads:
            change_made = threads.submit(changed)
            wait_until(lambda: change_made.done() or watching.execute(WAITS).fetchone() == (1,))
            then(other)
            other.commit()
            change_made.result()


def spread_over_slots(database: str, subject: str) -> None:
    """Count one call far from all limits, which makes the 16 slots."""
    parameters = {**NOTHING, "tokens": 1, "subjects": f'[{{"subject": "{subject}"}}]'}
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ADMIT, parameters)
    assert LimitState.objects.filter(subject=subject).count() == 16


@pytest.mark.usefixtures("fuse")
def test_a_reset_of_the_fuse_decides_upon_what_is_being_counted(database: str) -> None:
    """A turn that ends meanwhile uses up the day's limit: the fuse is closed after the reset all the same."""
    spread_over_slots(database, KEYLESS)
    LimitState.objects.filter(subject=KEYLESS, slot=0).update(blocked_until=datetime(9999, 1, 1, tzinfo=UTC))
    much = "UPDATE keys_limitstate SET day = %s, day_tokens = 10 ^ 9 WHERE subject = %s AND slot = 5"
    today = datetime.now(UTC).date()
    waiting_for(database, reset_fuse, 5, KEYLESS, lambda other: other.execute(much, [today, KEYLESS]))
    assert read_fuse().opened_by == ""


def test_new_limits_include_what_is_being_counted(database: str, app: App) -> None:
    """A turn of the subject ends while an operator gives it limits again."""
    issued = factories.make_key(app).app_key
    subject = key_subject(issued.pk)
    limit(subject, tokens_per_day=10**6)
    spread_over_slots(database, subject)
    LimitSet.objects.filter(pk=subject).delete()

    def end_a_turn(other: Any) -> None:
        other.execute(ADD_USAGE, {"app": app.pk, "key": issued.pk})

    waiting_for(database, lambda: limit(subject, tokens_per_day=10**6), 5, subject, end_a_turn)
    assert state(subject).day_tokens == 700


def test_a_pull_that_has_ended_does_not_make_callers_wait_for_one_another(database: str) -> None:
    subject = key_subject(next(number))
    limit(subject, tokens_per_day=10**6)
    spread_over_slots(database, subject)
    LimitState.objects.filter(subject=subject, slot=0).update(blocked_until=datetime.now(UTC) - timedelta(hours=1))
    parameters = {**NOTHING, "turns": 1, "subjects": f'[{{"subject": "{subject}"}}]'}
    with psycopg.connect(database) as other, psycopg.connect(database) as caller:
        slot = (caller.info.backend_pid + 1) % 16
        other.execute(LOCK_SLOT, [subject, slot])
        caller.execute("SET lock_timeout = '2s'")
        caller.execute(ADMIT, parameters)
