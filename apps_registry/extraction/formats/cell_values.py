"""Values of spreadsheet cells as a person sees them."""

import datetime
import re
from typing import Any

_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.')
_CURRENCY = re.compile(r"\[\$([^\]-]+)(?:-[^\]]*)?\]")
_SIGNS = "€$£¥₹₩₽"
_DECIMALS = re.compile(r"0\.(0+)")
_ZEROS = re.compile(r"0+\Z")


def shown_value(value: Any, number_format: str) -> str:
    """Return a value as text.

    Args:
        value: what the cell holds.
        number_format: such as `0.0%` or `#,##0.00 [$€-407]`; colours and conditions in it are ignored.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        return _moment(value, _QUOTED.sub("", re.sub(r"\[[^\]]*\]", "", number_format)).lower())
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number(value, number_format.split(";", maxsplit=1)[0])
    return str(value)


def _moment(value: datetime.datetime, number_format: str) -> str:
    """Return a date, a time, or both, as the format shows them."""
    has_date = any(part in number_format for part in ("y", "d", "mmm"))
    has_time = any(part in number_format for part in ("h", "s"))
    if has_time and not has_date:
        return value.time().isoformat("seconds" if "s" in number_format else "minutes")
    if (has_date and not has_time) or value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat(" ", "minutes")


def _number(value: float, number_format: str) -> str:
    literal = "".join(match[1:-1] for match in re.findall(r'"[^"]*"', number_format))
    currency = _CURRENCY.search(number_format)
    sign = currency[1].strip() if currency else next((each for each in _SIGNS if each in literal + number_format), "")
    plain = _QUOTED.sub("", _CURRENCY.sub("", number_format))
    if "%" in plain:
        return f"{_rounded(value * 100, plain)} %"
    if _ZEROS.match(plain) and len(plain) > 1 and float(value).is_integer():
        return f"{int(value):0{len(plain)}d}"  # numbers that are names, such as postcodes
    text = _rounded(value, plain)
    if not sign:
        return text
    begins = number_format.lstrip().startswith(("[$", sign, f'"{sign}'))
    return f"{sign}{text}" if begins and len(sign) == 1 else f"{text} {sign}"


def _rounded(value: float, number_format: str) -> str:
    if decimals := _DECIMALS.search(number_format):
        return f"{value:.{len(decimals[1])}f}"
    return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
