"""Values of spreadsheet cells as a person sees them."""

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache
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


@dataclass(frozen=True, slots=True)
class _Form:
    """How a format shows numbers.

    Attributes:
        sign: of the currency; empty: none.
        sign_first: the sign comes before the number.
        zeros: digits that are always shown, for numbers that are names, such as postcodes.
        decimals: None: as many as the number has.
    """

    sign: str
    sign_first: bool
    is_percent: bool
    zeros: int
    decimals: int | None


@lru_cache(1000)  # a sheet has a few formats and a million cells
def _form(number_format: str) -> _Form:
    literal = "".join(match[1:-1] for match in re.findall(r'"[^"]*"', number_format))
    currency = _CURRENCY.search(number_format)
    sign = currency[1].strip() if currency else next((each for each in _SIGNS if each in literal + number_format), "")
    plain = _QUOTED.sub("", _CURRENCY.sub("", number_format))
    decimals = _DECIMALS.search(plain)
    return _Form(
        sign,
        bool(sign) and len(sign) == 1 and number_format.lstrip().startswith(("[$", sign, f'"{sign}')),
        "%" in plain,
        len(plain) if _ZEROS.match(plain) and len(plain) > 1 else 0,
        len(decimals[1]) if decimals else None,
    )


def _number(value: float, number_format: str) -> str:
    form = _form(number_format)
    if form.is_percent:
        return f"{_rounded(value * 100, form.decimals)} %"
    if form.zeros and float(value).is_integer():
        return f"{int(value):0{form.zeros}d}"
    text = _rounded(value, form.decimals)
    if not form.sign:
        return text
    return f"{form.sign}{text}" if form.sign_first else f"{text} {form.sign}"


def _rounded(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
