"""The Retry-After header: https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3.

This is our own code: the standard library parses the dates, and packages have the rest only inside an HTTP client
(urllib3, werkzeug).
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(value: str) -> float | None:
    """Return the delay in seconds that a Retry-After header asks for; None if it is not valid."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        retry_at = parsedate_to_datetime(value)
        seconds = (retry_at.replace(tzinfo=retry_at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):  # not a date, or a date outside the calendar in UTC
        return None
    return max(0.0, seconds)
