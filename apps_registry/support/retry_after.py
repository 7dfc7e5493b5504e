"""The Retry-After header: https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3.

By hand: the standard library reads the dates, and packages offer the rest only as a part of an HTTP client (urllib3,
werkzeug).
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_of(value: str) -> float | None:
    """Return for how many seconds a server asks to be left alone; None when it does not say so."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = parsedate_to_datetime(value)
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):  # no date, or one of a time zone beyond the calendar
        return None
    return max(0.0, seconds)
