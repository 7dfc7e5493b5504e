"""`manage.py explain`: says why a call was refused."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand
from keys.refusals.explaining import Explanation, explain, find_refusal, why_there_may_be_none


class Command(TeachingCommand):
    help = """\
Say which rule refused a call, and what to change.

Each response contains the request id: in the header X-Request-Id and, for an error, in `request_id`.
"""
    examples = """\
examples:
  python manage.py explain 7f3a2c1e-6f0b-4f5e-9f57-0d6a1c0e9b11
  python manage.py explain 7f3a2c1e-6f0b-4f5e-9f57-0d6a1c0e9b11 --json | jq -r .rule
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("request_id", metavar="REQUEST_ID", help="the X-Request-Id of the refused call")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            request_id = UUID(options["request_id"])
        except ValueError:
            raise CommandError("The request id is not a UUID, such as 7f3a2c1e-6f0b-4f5e-9f57-0d6a1c0e9b11.") from None
        refusal = find_refusal(request_id)
        if refusal is None:
            raise CommandError(f"There is no record of {request_id}. {why_there_may_be_none()}")
        explanation = explain(refusal)
        if options["json"]:
            self.write_json(explanation.as_json())
        else:
            self._write(explanation)

    def _write(self, explanation: Explanation) -> None:
        row = explanation.refusal
        self.stdout.write(f"{row.status} {row.code}: {explanation.refused}")
        self.stdout.write(f"What to do: {explanation.change}")
        described = {
            "rule": row.rule,
            "facts": explanation.facts,
            "key": explanation.key,
            "App asked for": row.app,
            "call": f"{row.method} {row.path}",
            "from": row.address,
            "at": f"{row.at:%Y-%m-%d %H:%M:%S} UTC",
        }
        for name, value in described.items():
            if value:
                self.stdout.write(f"  {name}: {value}")
