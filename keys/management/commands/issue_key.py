"""`manage.py issue_key`: issues an App key and prints it once."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime

from apps_registry.management.base import TeachingCommand, apps_named, first_message
from keys.services import IssuedKey, issue_key


class Command(TeachingCommand):
    help = """\
Issue an App key for one or more Apps.

The key is printed once and stored only as a hash: copy it now. Callers send it in the header AOMI-APP-KEY.
It works at once, on every worker, until it expires or is revoked (manage.py revoke_key).
"""
    examples = """\
examples:
  python manage.py issue_key mycoindex --label "checkout service, production"
  python manage.py issue_key mycoindex mycoindex-staging --label "Ada, testing" --expires 30d
  python manage.py issue_key mycoindex --label backend --network 192.0.2.0/24 --network 2001:db8::/32
  KEY=$(python manage.py issue_key mycoindex --label cron --json | jq -r .key)
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the scope, the label, the expiry, the origins and the networks."""
        parser.add_argument("apps", nargs="+", metavar="APP", help="slug of an App that the key opens")
        parser.add_argument("--label", required=True, help="who or what will use it, so that you know which to revoke")
        parser.add_argument(
            "--expires",
            type=_moment,
            metavar="WHEN",
            help="when it ends: 12h, 30d, or a time such as 2027-01-31T00:00Z",
        )
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            metavar="ORIGIN",
            help="a website whose pages may use it, such as https://www.example.com; may be repeated",
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            metavar="NETWORK",
            help="an address or a network from which it may be used, such as 192.0.2.0/24; may be repeated",
        )
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            issued = issue_key(
                label=options["label"],
                apps=apps_named(options["apps"]),
                expires_at=options["expires"],
                origins="\n".join(options["origin"]),
                networks="\n".join(options["network"]),
            )
        except ValidationError as error:
            raise CommandError(first_message(error)) from None
        if options["json"]:
            self.write_json(_as_json(issued))
        else:
            self.stdout.write(issued.plain)
            self.stderr.write("Copy it now: it is not shown again.")


def _as_json(issued: IssuedKey) -> dict[str, object]:
    key = issued.app_key
    return {
        "key": issued.plain,
        "prefix": key.prefix,
        "label": key.label,
        "apps": sorted(app.slug for app in key.apps.all()),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "origins": key.allowed_origins.split(),
        "networks": key.allowed_networks.split(),
    }


def _moment(text: str) -> datetime:
    """Parse a duration from now (12h, 30d) or an ISO 8601 time; a time without an offset is UTC."""
    unit = {"h": "hours", "d": "days"}.get(text[-1:])
    try:
        if unit and text[:-1].isdecimal():
            return datetime.now(UTC) + timedelta(**{unit: int(text[:-1])})
        moment = parse_datetime(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ArgumentTypeError(f"{text!r} is neither a span such as 30d nor a time such as 2027-01-31T00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
