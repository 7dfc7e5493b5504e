"""The buckets of times in the roll-up, and percentiles from them.

Bucket 0 holds times up to 10 ms; the limit of each following bucket is √2 times higher, up to 655 s. Then come longer
times, then turns without a time. The function keys_usage_bucket in keys/migrations/0011_accounting.py is the same rule
in SQL.
"""

from collections.abc import Sequence

FIRST_MS = 10
BOUNDS_MS = tuple(FIRST_MS * 2 ** (step / 2) for step in range(33))
BUCKETS = len(BOUNDS_MS) + 2


def percentile_ms(counts: Sequence[int], percent: float) -> int | None:
    """Return a percentile in milliseconds, at most a bucket (41 %) too high; None if no time was counted.

    Args:
        counts: by bucket; the last bucket (turns without a time) is ignored.
        percent: such as 95.
    """
    timed = counts[:-1]
    rank, seen = sum(timed) * percent / 100, 0
    for bucket, count in enumerate(timed):
        seen += count
        if count and seen >= rank:
            return round(BOUNDS_MS[min(bucket, len(BOUNDS_MS) - 1)])
    return None
