"""`manage.py refresh_mcp`: what an MCP server offers, and taking it over."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.mcp.errors import McpError
from apps_registry.models import App
from apps_registry.models.mcp import McpServer
from apps_registry.openapi.report import shown
from apps_registry.services.mcp_servers import OfferedState, choose, refresh, states

SIGNS = {"new": " ", "the same": "=", "changed": "~", "gone": "-", "unusable": "!"}


class Command(TeachingCommand):
    """Asks a server, shows the difference, and takes it over when told to."""

    help = """\
Ask an MCP server of an App for its tools and show what is new, changed and gone.

Without --apply no tool changes. With it, the tools in use are brought up to date, those that the server no longer
offers are removed, and those named by --choose and --drop are added and removed. --confirm has the user asked before
each call of a tool in use, --no-confirm no longer.
"""
    examples = """\
examples:
  python manage.py refresh_mcp mycoindex files
  python manage.py refresh_mcp mycoindex files --choose read_file --choose list_files --apply
  python manage.py refresh_mcp mycoindex files --choose delete_file --confirm delete_file --apply
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the App, the server and the choice."""
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument("server", metavar="SERVER", help="prefix of its MCP server")
        parser.add_argument("--choose", action="append", default=[], metavar="TOOL", help="use this tool of the server")
        parser.add_argument("--drop", action="append", default=[], metavar="TOOL", help="use it no longer")
        parser.add_argument("--confirm", action="append", default=[], metavar="TOOL", help="ask before each call of it")
        parser.add_argument("--no-confirm", action="append", default=[], metavar="TOOL", help="ask no longer")
        parser.add_argument("--apply", action="store_true", help="do it")

    def handle(self, *_args: object, **options: Any) -> None:
        """Ask, show, and apply."""
        server = _server(apps_named([options["app"]])[0], options["server"])
        try:
            refresh(server)
        except McpError as error:
            raise CommandError(f"{server.slug}: {error}.") from None
        found = states(server)
        _check(options, found)
        for each in found:
            used = "*" if each.accepted else " "
            asks = "asks the user  " if each.needs_confirmation else ""
            line = f"{SIGNS[each.state]}{used} {each.remote_name}  {each.state}  {asks}{each.problem}"
            self.stdout.write(line.rstrip())
            for field, before, after in each.differences:
                self.stdout.write(f"     {field}: {shown(before)} -> {shown(after)}")
        for name, why in server.left_out:
            self.stdout.write(f"!  {name}  left out  {why}")
        if server.instructions != server.offered_instructions:
            self.stdout.write(f"~  instructions: {shown(server.instructions)} -> {shown(server.offered_instructions)}")
        if options["apply"]:
            chosen = _changed({each.remote_name for each in found if each.accepted}, options["choose"], options["drop"])
            asking = {each.remote_name for each in found if each.needs_confirmation}
            confirmed = _changed(asking, options["confirm"], options["no_confirm"])
            for sentence in choose(server, chosen, confirmed=confirmed):
                self.stdout.write(sentence)


def _check(options: dict[str, Any], found: list[OfferedState]) -> None:
    """Refuse names that the server does not know, and questions about tools that will not be in use."""
    named = {name for option in ("choose", "drop", "confirm", "no_confirm") for name in options[option]}
    if unknown := named - {each.remote_name for each in found}:
        raise CommandError(f"The server has no tool {sorted(unknown)[0]!r}.")
    for first, second in (("choose", "drop"), ("confirm", "no_confirm")):
        if both := set(options[first]) & set(options[second]):
            raise CommandError(f"--{first} and --{second.replace('_', '-')} both name {sorted(both)[0]!r}.")
    in_use = _changed({each.remote_name for each in found if each.accepted}, options["choose"], options["drop"])
    if unused := set(options["confirm"]) - in_use:
        raise CommandError(f"{sorted(unused)[0]!r} is not in use: --choose it too.")


def _changed(now: set[str], more: list[str], fewer: list[str]) -> set[str]:
    return (now | set(more)) - set(fewer)


def _server(app: App, slug: str) -> McpServer:
    server = app.mcp_servers.select_related("app").filter(slug=slug).first()
    if server is None:
        known = ", ".join(app.mcp_servers.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no MCP server {slug!r}. Servers of {app.slug}: {known}.")
    return server
