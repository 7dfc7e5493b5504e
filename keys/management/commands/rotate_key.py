"""`manage.py rotate_key`: issues a successor of an App key; the old key keeps working for some hours."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from keys.finding import key_as_json
from keys.management.base import KeyCommand, clear_errors, named_key
from keys.models import AppKey
from keys.services import OVERLAP_MAX_HOURS, Rotation, end_overlap, rotate_key


class Command(KeyCommand):
    """Rotates one key."""

    help = f"""\
Issue the successor of an App key, with the same Apps, channel and limits, and print it once.

The old key works on for the overlap (0 to {OVERLAP_MAX_HOURS} hours), so that its holder can change over. Asked
again, the command issues nothing: the key has its successor, which is not shown again. --end-overlap lets the old
key expire now.
"""
    examples = """\
examples:
  python manage.py rotate_key sk-mycoindex-Zk3v9QxA
  python manage.py rotate_key sk-mycoindex-Zk3v9QxA --overlap 2h
  python manage.py rotate_key sk-mycoindex-Zk3v9QxA --end-overlap
  KEY=$(python manage.py rotate_key sk-mycoindex-Zk3v9QxA --json | jq -r .key)
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the key and its overlap."""
        self.add_key_argument(parser)
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--overlap",
            type=_hours,
            default=timedelta(hours=24),
            metavar="HOURS",
            help=f"how long the old key works on: 0h to {OVERLAP_MAX_HOURS}h (24h)",
        )
        how.add_argument("--end-overlap", action="store_true", help="let a rotated key expire now")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        key = named_key(options["key"])
        with clear_errors():
            if options["end_overlap"]:
                return self._end(key, as_json=options["json"])
            rotation = rotate_key(key, overlap=options["overlap"])
        return self._write(rotation, as_json=options["json"])

    def _end(self, key: AppKey, *, as_json: bool) -> None:
        end_overlap(key)
        if as_json:
            self.write_json(key_as_json(key))
        else:
            self.stdout.write(f"{key.prefix} ({key.label}) has expired; {key.successor.prefix} is in its place.")

    def _write(self, rotation: Rotation, *, as_json: bool) -> None:
        old, successor = rotation.old, rotation.successor
        ends = f"{old.prefix} works until {old.expires_at:%Y-%m-%d %H:%M} UTC."
        if as_json:
            self.write_json({"key": rotation.plain, **key_as_json(successor), "old": key_as_json(old)})
        elif rotation.plain:
            self.stdout.write(rotation.plain)
            self.stderr.write(f"Copy it now: it is not shown again. {ends}")
        else:
            self.stderr.write(f"Nothing new was issued: {old.prefix} was rotated to {successor.prefix} before. {ends}")


def _hours(text: str) -> timedelta:
    """Parse a number of hours, such as 24 or 24h; the service holds the limits."""
    number = text.removesuffix("h")
    if not (number.isascii() and number.isdecimal() and len(number) < 6):
        raise ArgumentTypeError(f"{text!r} is no number of hours, such as 24h")
    return timedelta(hours=int(number))
