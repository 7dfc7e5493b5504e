"""Values of spreadsheet cells as a person sees them; dates are in the form of ISO 8601, whatever their format."""

import datetime
import re
from typing import Any

from apps_registry.extraction.formats.xlsx.number_formats import shown_number, shown_text

_MASKED = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]|am/pm|a/p', re.IGNORECASE)
_DATE_PARTS = re.compile(r"[ymdhs]+", re.IGNORECASE)
_LITERAL = re.compile(r'"([^"]*)"?|\\(.)')
_ELAPSED = re.compile(
    r'\[(?P<total>h+|m+|s+)\]|(?P<part>h+|m+|s+)|"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|[_*].|\[[^\]]*\]|(?P<other>.)',
    re.IGNORECASE | re.DOTALL,
)
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def shown_value(value: Any, number_format: str) -> str:
    """Return a value as text.

    Args:
        value: the stored value of the cell.
        number_format: such as `0.0%` or `#,##0.00 [$€-407]`; colours in it are ignored.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return _with_literals(value, number_format.split(";", maxsplit=1)[0])
    if isinstance(value, datetime.timedelta):
        return _elapsed(value, number_format.split(";", maxsplit=1)[0])
    if isinstance(value, int | float):
        return shown_number(value, number_format)
    return shown_text(str(value), number_format)


def _with_literals(value: datetime.date | datetime.time, number_format: str) -> str:
    """Return a date or time between the literals around it; literals within it only separate its parts."""
    masked = _MASKED.sub(lambda match: "\0" * len(match[0]), number_format)
    parts = [*_DATE_PARTS.finditer(masked)]
    shown = _moment(value, masked.lower())
    if not parts:
        return shown
    first, last = parts[0].start(), parts[-1].end()
    if any(character.isalpha() for character in _literals(number_format[first:last])):
        return shown
    before, after = _literals(number_format[:first]), _literals(number_format[last:])
    return f"{before}{shown}{after}".strip()


def _literals(number_format: str) -> str:
    return "".join(quoted or escaped for quoted, escaped in _LITERAL.findall(number_format))


def _moment(value: datetime.date | datetime.time, number_format: str) -> str:
    """Return a date, a time, or both, as the format shows them."""
    has_time = "h" in number_format or "s" in number_format
    detail = "seconds" if "s" in number_format or not has_time else "minutes"
    if isinstance(value, datetime.time):
        return value.isoformat(detail)
    has_date = any(part in number_format for part in ("y", "d", "mmm"))
    if has_time and not has_date and isinstance(value, datetime.datetime):
        return value.time().isoformat(detail)
    date = value.date() if isinstance(value, datetime.datetime) else value
    is_whole_day = not isinstance(value, datetime.datetime) or value.time() == datetime.time()
    if (has_date and not has_time) or is_whole_day:
        return _date(date, number_format)
    return value.isoformat(" ", "minutes")  # type: ignore[call-arg]  # a datetime, by the lines above


def _date(date: datetime.date, number_format: str) -> str:
    """Return a date; only its year or month, if the format shows no more."""
    if "d" in number_format or "y" not in number_format or "h" in number_format:
        return date.isoformat()
    return f"{date:%Y-%m}" if "m" in number_format else f"{date:%Y}"


def _elapsed(value: datetime.timedelta, number_format: str) -> str:
    """Return a duration, whose largest unit has no limit: 30 hours are `30:00` in the format `[h]:mm`."""
    seconds = round(abs(value).total_seconds())
    pieces = []
    for match in _ELAPSED.finditer(number_format):
        unit = (match["total"] or match["part"] or " ")[0].lower()
        if match["total"]:
            pieces.append(f"{seconds // _SECONDS[unit]:0{len(match['total'])}d}")
        elif match["part"]:
            within = seconds // _SECONDS[unit] % (24 if unit == "h" else 60)
            pieces.append(f"{within:0{len(match['part'])}d}")
        else:
            pieces.append(match["quoted"] or match["escaped"] or match["other"] or "")
    return ("-" if value < datetime.timedelta() else "") + "".join(pieces).strip()
