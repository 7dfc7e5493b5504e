"""`manage.py fuse`: shows, pulls or resets the fuse of callers without a key."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from apps_registry.management.base import TeachingCommand
from keys.limits.fuse import Fuse, pull_fuse, read_fuse, reset_fuse

STATES = {"": "closed", "hand": "open, pulled by hand", "tokens": "open, tokens are used up", "money": "open, money"}


class Command(TeachingCommand):
    help = """\
Show, pull or reset the fuse: the daily ceiling for all callers without an App key together.

While it is open, calls without a key that start a turn or create a session are refused with 429, and the answer says
when it closes. Callers with a key are not affected. It opens automatically when the tokens of a day are used up
(KEYLESS_TOKENS_PER_DAY, or the limits in the admin), and closes at midnight UTC.
"""
    examples = """\
examples:
  python manage.py fuse
  python manage.py fuse pull --for 2h
  python manage.py fuse reset
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=["status", "pull", "reset"], default="status")
        parser.add_argument(
            "--for", dest="span", type=_span, metavar="SPAN", help="with pull: for how long, such as 2h"
        )
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        if options["span"] is not None and options["action"] != "pull":
            raise CommandError("--for can only be used with pull.")
        if options["action"] == "pull":
            pull_fuse(timezone.now() + options["span"] if options["span"] else None)
        elif options["action"] == "reset":
            reset_fuse()
        fuse = read_fuse()
        if options["json"]:
            self.write_json(_as_json(fuse))
        else:
            self._write(fuse)

    def _write(self, fuse: Fuse) -> None:
        until = f" until {fuse.closes_at:%Y-%m-%d %H:%M} UTC" if fuse.closes_at else ""
        self.stdout.write(f"The fuse is {STATES[fuse.opened_by]}{until}.")
        limit = f" of {fuse.tokens_per_day:,}" if fuse.tokens_per_day is not None else ", without a limit"
        self.stdout.write(f"Tokens today: {fuse.tokens_today:,}{limit}.")
        if fuse.money_per_day is not None:
            self.stdout.write(f"Money today: {fuse.money_today:f} of {fuse.money_per_day:f}.")


def _as_json(fuse: Fuse) -> dict[str, Any]:
    return {
        "open": bool(fuse.opened_by),
        "opened_by": fuse.opened_by or None,
        "closes_at": fuse.closes_at and fuse.closes_at.isoformat(timespec="seconds"),
        "tokens_today": fuse.tokens_today,
        "tokens_per_day": fuse.tokens_per_day,
        "money_today": f"{fuse.money_today:f}",
        "money_per_day": None if fuse.money_per_day is None else f"{fuse.money_per_day:f}",
    }


def _span(text: str) -> timedelta:
    """Parse a duration such as 30m, 2h or 1d."""
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal() or len(text) > 5:
        raise ArgumentTypeError(f"{text!r} is not a duration such as 30m, 2h or 1d")
    span = timedelta(**{unit: int(text[:-1])})
    if not timedelta(0) < span <= timedelta(days=1):
        raise ArgumentTypeError("the duration is at most 1d; without --for, the fuse stays open until it is reset")
    return span
