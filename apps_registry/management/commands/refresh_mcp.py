"""`manage.py refresh_mcp`: what an MCP server offers, and taking it over."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.mcp.models import McpServer
from apps_registry.mcp.remote import McpError
from apps_registry.mcp.services import choose, refresh, states
from apps_registry.models import App
from apps_registry.openapi.report import shown

SIGNS = {"new": " ", "the same": "=", "changed": "~", "gone": "-", "unusable": "!"}


class Command(TeachingCommand):
    """Asks a server, shows the difference, and takes it over when told to."""

    help = """\
Ask an MCP server of an App for its tools and show what is new, changed and gone.

Without --apply no tool changes. With it, the tools in use are brought up to date, those that the server no longer
offers are removed, and those named by --choose and --drop are added and removed.
"""
    examples = """\
examples:
  python manage.py refresh_mcp mycoindex files
  python manage.py refresh_mcp mycoindex files --choose read_file --choose list_files --apply
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the App, the server and the choice."""
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument("server", metavar="SERVER", help="prefix of its MCP server")
        parser.add_argument("--choose", action="append", default=[], metavar="TOOL", help="use this tool of the server")
        parser.add_argument("--drop", action="append", default=[], metavar="TOOL", help="use it no longer")
        parser.add_argument("--apply", action="store_true", help="do it")

    def handle(self, *_args: object, **options: Any) -> None:
        """Ask, show, and apply."""
        server = _server(apps_named([options["app"]])[0], options["server"])
        try:
            refresh(server)
        except McpError as error:
            raise CommandError(f"{server.slug}: {error}.") from None
        found = states(server)
        unknown = {*options["choose"], *options["drop"]} - {each.remote_name for each in found}
        if unknown:
            raise CommandError(f"The server has no tool {sorted(unknown)[0]!r}.")
        for each in found:
            used = "*" if each.accepted else " "
            self.stdout.write(f"{SIGNS[each.state]}{used} {each.remote_name}  {each.state}  {each.problem}".rstrip())
            for field, before, after in each.differences:
                self.stdout.write(f"     {field}: {shown(before)} -> {shown(after)}")
        if options["apply"]:
            used_now = {each.remote_name for each in found if each.accepted}
            for sentence in choose(server, (used_now | set(options["choose"])) - set(options["drop"])):
                self.stdout.write(sentence)


def _server(app: App, slug: str) -> McpServer:
    server = app.mcp_servers.select_related("app").filter(slug=slug).first()
    if server is None:
        known = ", ".join(app.mcp_servers.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no MCP server {slug!r}. Servers of {app.slug}: {known}.")
    return server
