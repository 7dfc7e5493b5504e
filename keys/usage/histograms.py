"""The buckets of times in the roll-up, and percentiles from them.

Bucket 0 holds times up to 10 ms; the limit of each following bucket is √2 times higher, up to 655 s. Then come longer
times, then turns without a time. The function keys_usage_bucket in keys/migrations/0011_accounting.py is the same rule
in SQL.
"""

from collections.abc import Sequence

FIRST_MS = 10
BOUNDS_MS = tuple(FIRST_MS * 2 ** (step / 2) for step in range(33))
BUCKETS = len(BOUNDS_MS) + 2
# From a bucket's limit to its middle on a geometric scale. No other point is as near to all times of the bucket:
# interpolation by rank can be 41 % off if times are close together, such as those of a fast model.
TO_MIDDLE = 2**-0.25
MAX_ERROR = 1 / TO_MIDDLE - 1


def percentile_ms(counts: Sequence[int], percent: float) -> int | None:
    """Return an approximate percentile in milliseconds; None if no time was counted.

    It is at most MAX_ERROR (19 %) too high or too low, except that times below 10 ms are all counted as 8 ms, and times
    above the last limit as that limit.

    Args:
        counts: by bucket; the last bucket (turns without a time) is ignored.
        percent: such as 95.
    """
    timed = counts[:-1]
    rank, seen = sum(timed) * percent / 100, 0
    for bucket, count in enumerate(timed):
        seen += count
        if count and seen >= rank:
            return round(BOUNDS_MS[bucket] * TO_MIDDLE if bucket < len(BOUNDS_MS) else BOUNDS_MS[-1])
    return None
