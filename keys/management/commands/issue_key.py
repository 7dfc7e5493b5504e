"""`manage.py issue_key`: issues an App key and prints it once."""

from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.services.call_examples import call_examples
from keys.finding import key_as_json
from keys.management.base import clear_errors, moment_or_never
from keys.management.limit_options import add_limit_options, set_limit_options
from keys.services import IssuedKey, channel_named, default_expiry, issue_key


class Command(TeachingCommand):
    help = """\
Issue an App key for one or more Apps.

The key is printed once and stored only as a hash: copy it now. Callers send it in the header AOMI-APP-KEY.
It works immediately on every worker, until it expires or is revoked (manage.py revoke_key). Without --expires it
expires after KEY_LIFETIME_DAYS.
"""
    examples = """\
examples:
  python manage.py issue_key mycoindex --label "checkout service, production" --owner "Team Checkout"
  python manage.py issue_key mycoindex mycoindex-staging --label "Ada, testing" --expires 30d
  python manage.py issue_key mycoindex --label "partner" --requests-per-minute 60 --tokens-per-day 1000000
  python manage.py issue_key mycoindex --label "CI" --channel draft --expires never
  python manage.py issue_key mycoindex --label "partner" --examples https://apps.example.com
  python manage.py issue_key mycoindex --label backend --network 192.0.2.0/24 --network 2001:db8::/32
  KEY=$(python manage.py issue_key mycoindex --label cron --json | jq -r .key)
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the scope, the names, the expiry and the channel."""
        parser.add_argument("apps", nargs="+", metavar="APP", help="slug of an App that the key opens")
        parser.add_argument("--label", required=True, help="who or what will use it, so that you know which to revoke")
        parser.add_argument("--owner", default="", help="the person or team that answers for it")
        parser.add_argument("--note", default="", help="a note for operators")
        parser.add_argument(
            "--expires",
            type=moment_or_never,
            metavar="WHEN",
            help="when it expires: 12h, 30d, a time such as 2027-01-31T00:00Z, or never",
        )
        parser.add_argument(
            "--channel",
            default="live",
            help="the state of its Apps that it uses: live (the default), draft, or release:N",
        )
        parser.add_argument(
            "--examples", metavar="URL", help="also print calls in curl, Python and JavaScript to a server, on stderr"
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
        add_limit_options(parser)
        self.add_json_argument(parser)

    @transaction.atomic
    def handle(self, *_args: object, **options: Any) -> None:
        apps, expires = apps_named(options["apps"]), options["expires"]
        with clear_errors():
            channel, release = channel_named(options["channel"], apps)
            issued = issue_key(
                label=options["label"],
                owner=options["owner"],
                note=options["note"],
                apps=apps,
                expires_at=default_expiry() if expires is None else None if expires == "never" else expires,
                channel=channel,
                release=release,
                origins="\n".join(options["origin"]),
                networks="\n".join(options["network"]),
            )
            set_limit_options(issued.app_key, options)
        self._write(issued, options)

    def _write(self, issued: IssuedKey, options: dict[str, Any]) -> None:
        if options["json"]:
            self.write_json({"key": issued.plain, **key_as_json(issued.app_key)})
        else:
            self.stdout.write(issued.plain)
            expires_at = issued.app_key.expires_at
            until = f"It expires at {expires_at:%Y-%m-%d %H:%M} UTC." if expires_at else "It does not expire."
            self.stderr.write(f"Copy it now: it is not shown again. {until}")
        if options["examples"]:
            if len(options["apps"]) > 1:
                others = ", ".join(options["apps"][1:])
                self.stderr.write(
                    f"\nFor {others}, change the App and the session id of the call: a session belongs to one App."
                )
            for example in call_examples(
                base_url=options["examples"], app_slug=options["apps"][0], app_key=issued.plain
            ):
                self.stderr.write(f"\n# {example.language}\n{example.text}")
