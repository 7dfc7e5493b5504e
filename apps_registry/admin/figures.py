"""Numbers with their units, as charts, tiles and tables show them: short for reading, exact for comparing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps_registry.admin.display import amount_of, duration, money


@dataclass(frozen=True, slots=True)
class Unit:
    """How numbers of one kind are written.

    Attributes:
        short: for reading, such as "12.3 k"; empty for None.
        exact: every digit, such as "12,345"; empty for None.
        is_whole: whether all values are whole numbers.
        on_axis: for the scale of a chart; None: as `short`.
    """

    short: Callable[[Any], str]
    exact: Callable[[Any], str]
    is_whole: bool = False
    on_axis: Callable[[Any], str] | None = None


def milliseconds(value: float | None) -> str:
    """Return a number of milliseconds as people read it: 340 ms, 1.2 s; empty for None."""
    return "" if value is None else duration(timedelta(milliseconds=value))


def _about(value: float | None) -> str:
    return "" if value is None else f"≈ {milliseconds(value)}"


def percent(share: float | None) -> str:
    """Return a share (1 is all) as a percentage with at most two significant digits: 0.42 %; empty for None."""
    if share is None:
        return ""
    value = share * 100
    return f"{value:.0f} %" if value >= 10 or not value else f"{value:.2g} %"


def _short_money(value: float | Decimal | None) -> str:
    return "" if value is None else money(Decimal(str(value)))


def _exact_count(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def _exact_money(value: float | Decimal | None) -> str:
    return "" if value is None else f"${Decimal(str(value)).normalize():,f}"


def _about_in_full(value: float | None) -> str:
    return "" if value is None else f"≈ {value:,} ms"


def _exact_share(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.4g} %"


COUNT = Unit(amount_of, _exact_count, is_whole=True)
MONEY = Unit(_short_money, _exact_money)
# Percentiles of times, which are approximate: see keys/usage/histograms.py.
TIME = Unit(_about, _about_in_full, is_whole=True, on_axis=milliseconds)
SHARE = Unit(percent, _exact_share)
