"""How the admin pages show values: badges, times, amounts, durations and links."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

NOTHING = mark_safe('<span class="aomi-none">none</span>')
NOT_YET = mark_safe('<span class="aomi-none">not yet</span>')

# The colour of each status; other words are grey.
TONES = {
    "active": "good",
    "cancelled": "warn",
    "completed": "good",
    "default": "main",
    "expired": "warn",
    "expiring": "warn",
    "failed": "bad",
    "inactive": "bad",
    "interrupted": "warn",
    "paused": "warn",
    "ready": "good",
    "missing": "bad",
    "processing": "main",
    "revoked": "bad",
    "running": "main",
}


def badge(word: str, text: str | None = None) -> SafeString:
    """Return a badge.

    Args:
        word: the status, which determines the colour.
        text: the text of the badge; by default `word`.
    """
    return format_html('<span class="aomi-badge is-{}">{}</span>', TONES.get(word, "quiet"), text or word)


def moment(value: datetime | None) -> SafeString:
    """Return a point in time in UTC to the minute, with the seconds in its tooltip; "not yet" for None."""
    if value is None:
        return NOT_YET
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S}",
        f"{utc:%Y-%m-%d %H:%M}",
    )


def linked(view: str, pk: object, text: object) -> SafeString:
    """Return a link to a page of the admin about one row.

    Args:
        view: the page's URL name.
        pk: the row's primary key.
        text: the text of the link.
    """
    return format_html('<a href="{}"><bdi>{}</bdi></a>', reverse(view, args=[pk]), text)


def money(amount: Decimal | None) -> str:
    """Return an amount of dollars with at most four significant digits; empty for None."""
    if amount is None:
        return ""
    if not amount:
        return "$0"
    digits = max(2, 3 - amount.adjusted()) if abs(amount) < 1 else 2
    text = f"{amount:,.{digits}f}"
    return f"${text.rstrip('0').rstrip('.') if digits > 2 else text}"


def amount_of(number: int | None) -> str:
    """Return a count in short form: 950, 12.3 k, 4.1 M, 1.4 B; empty for None."""
    if number is None:
        return ""
    for unit, size, least in (("B", 10**9, 10**9), ("M", 10**6, 10**6), ("k", 1_000, 10_000)):
        if number >= least:
            return f"{number / size:.1f} {unit}"
    return f"{number:,}"


def duration(taken: timedelta | None) -> str:
    """Return a duration in ms below a second, otherwise in s or min; empty for None."""
    if taken is None:
        return ""
    seconds = taken.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def code(text: object) -> SafeString:
    """Return a text in a code font; a dash for None or empty text."""
    return format_html('<code class="aomi-code">{}</code>', text) if text not in {None, ""} else NOTHING
