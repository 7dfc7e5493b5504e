"""Options of commands that set the limits of a key."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from keys.limits.reading import limits_of
from keys.limits.services import key_apps, set_limits
from keys.limits.values import Limits, key_subject
from keys.models import AppKey

NO_LIMIT = "none"
WORDS = {
    "requests_per_minute": "calls per minute that start a turn or create a session",
    "burst": "how many of these calls may come in a burst",
    "concurrent_turns": "turns at the same time",
    "tokens_per_day": "tokens per day (UTC)",
    "tokens_per_month": "tokens per month (UTC)",
    "money_per_day": "money per day (UTC), by the models' prices",
    "money_per_month": "money per month (UTC), by the models' prices",
}


def add_limit_options(parser: ArgumentParser) -> None:
    """Declare an option for each limit."""
    group = parser.add_argument_group("limits", f"a number, or {NO_LIMIT}")
    for name, words in WORDS.items():
        group.add_argument(
            f"--{name.replace('_', '-')}", type=_money if name.startswith("money") else _count, metavar="N", help=words
        )


def set_limit_options(key: AppKey, options: dict[str, Any]) -> list[str]:
    """Set the limits that the options name, and leave the others; return the names of those that differ now.

    Raises:
        ValidationError: as for `keys.limits.services.set_limits`.
    """
    named = {name: options[name] for name in WORDS if options[name] is not None}
    if not named:
        return []
    before = limits_of(key_subject(key.pk)) or Limits()
    after = replace(before, **{name: None if value == NO_LIMIT else value for name, value in named.items()})
    set_limits(key_subject(key.pk), after, apps=key_apps(_app_ids(key)))
    return [name for name in WORDS if getattr(before, name) != getattr(after, name)]


def _app_ids(key: AppKey) -> Collection[int]:
    return list(key.apps.values_list("pk", flat=True))


def _count(text: str) -> int | str:
    if text == NO_LIMIT:
        return text
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ArgumentTypeError(f"{text!r} is neither a whole number nor {NO_LIMIT}")
    return int(text)


def _money(text: str) -> Decimal | str:
    if text == NO_LIMIT:
        return text
    try:
        money = Decimal(text)
    except InvalidOperation:
        money = Decimal("NaN")
    if not money.is_finite():
        raise ArgumentTypeError(f"{text!r} is neither an amount such as 9.50 nor {NO_LIMIT}")
    return money
