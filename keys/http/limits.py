"""What a caller over a limit gets: a sentence, and the headers of the IETF's draft on rate limits.

The headers follow draft-ietf-httpapi-ratelimit-headers-11: a policy has a quota `q`, its unit `qu` (requests, unless
named) and its window `w` in seconds; the limit itself has the remaining quota `r`, and the seconds until there is more,
`t`.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from keys.limits.values import LimitExceeded

_WHOSE = {
    "key": "this App key",
    "app": "this App",
    "address": "each address without an App key",
    "keyless": "all callers without an App key together",
}
_WINDOWS = {"minute": 60, "day": 86_400, "month": 2_678_400}  # a month has at most 31 days
# Quotas are integers, so money is counted in millionths.
_UNITS = {"tokens": "tokens", "money": "money-millionths", "turns": "concurrent-requests"}
MILLION = 1_000_000
SHORT_SECONDS = 60  # for a wait up to this long, the sentence names no time of day


def sentence(exceeded: LimitExceeded) -> str:
    """Return why a call was refused, for the caller."""
    whose = _WHOSE[exceeded.subject.partition(":")[0]]
    match exceeded.rule:
        case "requests_per_minute":
            return f"Too many calls: the limit of {whose} is {exceeded.limit:,} per minute."
        case "concurrent_turns":
            return f"Too many turns at the same time: the limit of {whose} is {exceeded.limit:,}."
        case "fuse_pulled":
            # A fuse that was pulled without an end time stays open until an operator resets it; the wait is then a day
            # at most.
            until = _until(exceeded) if exceeded.retry_after < _WINDOWS["day"] else ""
            return f"Calls without an App key are switched off for now.{until}"
        case "money_without_price":
            return f"{whose.capitalize()} has a limit of money, and a model that may answer has no price."
    quota = f"The limit of {whose} is {exceeded.limit:,} {_unit(exceeded)}per {exceeded.per} (UTC)"
    return f"{quota}; this call may need more than the {exceeded.left:,} that are left.{_until(exceeded)}"


def headers(exceeded: LimitExceeded) -> dict[str, str]:
    """Return the headers of a refusal, without Retry-After; none for a rule without a quota."""
    if exceeded.limit is None:
        return {}
    factor = MILLION if exceeded.what == "money" else 1
    unit = f';qu="{_UNITS[exceeded.what]}"' if exceeded.what in _UNITS else ""
    window = f";w={_WINDOWS[exceeded.per]}" if exceeded.per else ""
    return {
        "RateLimit-Policy": f'"{exceeded.rule}";q={_whole(exceeded.limit, factor)}{unit}{window}',
        "RateLimit": f'"{exceeded.rule}";r={_whole(exceeded.left, factor)};t={exceeded.retry_after}',
    }


def _whole(number: Decimal | int, factor: int) -> int:
    return max(0, int(number * factor))


def _unit(exceeded: LimitExceeded) -> str:
    return "tokens " if exceeded.what == "tokens" else ""


def _until(exceeded: LimitExceeded) -> str:
    if exceeded.retry_after <= SHORT_SECONDS:
        return ""
    until = datetime.now(UTC) + timedelta(seconds=exceeded.retry_after)
    return f" It resets at {until:%Y-%m-%d %H:%M} UTC."
