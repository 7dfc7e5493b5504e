"""The buckets of times, and percentiles from them."""

import bisect

import hypothesis.strategies as st
from hypothesis import given

from keys.usage.histograms import BOUNDS_MS, BUCKETS, MAX_ERROR, percentile_ms


def counted(times: list[int | None]) -> list[int]:
    counts = [0] * BUCKETS
    for time in times:
        counts[-1 if time is None else min(bisect.bisect_left(BOUNDS_MS, time), len(BOUNDS_MS))] += 1
    return counts


def test_no_times_have_no_percentile() -> None:
    assert percentile_ms(counted([None, None]), 50) is None


@given(st.lists(st.integers(11, 600_000), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_within_the_stated_error(times: list[int], percent: int) -> None:
    exact = sorted(times)[max(0, -(-len(times) * percent // 100) - 1)]
    measured = percentile_ms(counted([*times, None]), percent)
    assert measured is not None
    assert exact / (1 + MAX_ERROR) - 1 <= measured <= exact * (1 + MAX_ERROR) + 1
