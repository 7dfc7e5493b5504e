"""Shared parts of the commands about keys."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime

from apps_registry.management.base import TeachingCommand, first_message
from keys.finding import NoSuchKey, find_key, key_as_json, limits_as_json
from keys.models import AppKey


class KeyCommand(TeachingCommand):
    """A command about one key, which the operator names by its prefix."""

    def add_key_argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", metavar="PREFIX", help="the key's beginning, such as sk-mycoindex-Zk3v9QxA")

    def write_facts(self, key: AppKey) -> None:
        """Print the properties of a key, one per line, without empty ones."""
        facts = {name: cell(value) for name, value in key_as_json(key).items() if value not in (None, "", [])}
        for limit in limits_as_json(key):
            limited = f"{limit['what']} per {limit['per']}" if limit["per"] else f"{limit['what']} at the same time"
            facts[limited] = f"{limit['left']} left of {limit['limit']}"
        width = max(len(name) for name in facts)
        for name, text in facts.items():
            self.stdout.write(f"{name.replace('_', ' ').ljust(width)}  {text}")


def named_key(prefix: str) -> AppKey:
    """Return the key with this prefix.

    Raises:
        CommandError: there is none.
    """
    try:
        return find_key(prefix)
    except NoSuchKey as error:
        raise CommandError(str(error)) from None


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn a broken rule into the command's error: one sentence, no traceback."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(first_message(error)) from None


def moment_or_never(text: str) -> datetime | Literal["never"]:
    """Parse a duration from now (12h, 30d), an ISO 8601 time, or "never"; a time without an offset is UTC."""
    if text == "never":
        return "never"
    unit = {"h": "hours", "d": "days"}.get(text[-1:])
    try:
        if unit and text[:-1].isdecimal():
            return datetime.now(UTC) + timedelta(**{unit: int(text[:-1])})
        moment = parse_datetime(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ArgumentTypeError(
            f"{text!r} is neither a duration such as 30d nor a time such as 2027-01-31T00:00Z nor never"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def cell(value: Any) -> str:
    """Return a value as a cell of a table."""
    return ",".join(value) if isinstance(value, list) else str(value or "-")
