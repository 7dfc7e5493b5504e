"""`manage.py refresh_mcp`: refreshes the tools of an MCP server, and selects those to use."""

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
    """Refreshes the list of tools, shows the changes, and applies them with --apply."""

    help = """\
Refresh the list of tools of an App's MCP server and show which tools are new, changed and gone.

Without --apply no tool changes. With it, the tools in use are updated, tools that the server no longer offers are
removed, and the tools of --choose and --drop are added and removed. With --confirm, the user must approve each call of
a tool in use; --no-confirm removes this requirement.
"""
    examples = """\
examples:
  python manage.py refresh_mcp mycoindex files
  python manage.py refresh_mcp mycoindex files --choose read_file --choose list_files --apply
  python manage.py refresh_mcp mycoindex files --choose delete_file --confirm delete_file --apply
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument("server", metavar="SERVER", help="prefix of its MCP server")
        parser.add_argument("--choose", action="append", default=[], metavar="TOOL", help="use this tool of the server")
        parser.add_argument("--drop", action="append", default=[], metavar="TOOL", help="stop using this tool")
        parser.add_argument(
            "--confirm", action="append", default=[], metavar="TOOL", help="require approval of each call"
        )
        parser.add_argument("--no-confirm", action="append", default=[], metavar="TOOL", help="require no approval")
        parser.add_argument("--apply", action="store_true", help="apply the changes")

    def handle(self, *_args: object, **options: Any) -> None:
        server = _server(apps_named([options["app"]])[0], options["server"])
        try:
            refresh(server)
        except McpError as error:
            raise CommandError(f"{server.slug}: {error}.") from None
        tools = states(server)
        _check(options, tools)
        for tool in tools:
            used = "*" if tool.accepted else " "
            confirmation = "asks the user  " if tool.needs_confirmation else ""
            line = f"{SIGNS[tool.state]}{used} {tool.remote_name}  {tool.state}  {confirmation}{tool.problem}"
            self.stdout.write(line.rstrip())
            for field, before, after in tool.differences:
                self.stdout.write(f"     {field}: {shown(before)} -> {shown(after)}")
        for name, reason in server.left_out:
            self.stdout.write(f"!  {name}  left out  {reason}")
        if server.instructions != server.offered_instructions:
            self.stdout.write(f"~  instructions: {shown(server.instructions)} -> {shown(server.offered_instructions)}")
        if options["apply"]:
            chosen = _changed({tool.remote_name for tool in tools if tool.accepted}, options["choose"], options["drop"])
            confirmed_before = {tool.remote_name for tool in tools if tool.needs_confirmation}
            confirmed = _changed(confirmed_before, options["confirm"], options["no_confirm"])
            for sentence in choose(server, chosen, confirmed=confirmed):
                self.stdout.write(sentence)


def _check(options: dict[str, Any], tools: list[OfferedState]) -> None:
    """Refuse names of unknown tools, and confirmations for tools that will not be in use."""
    named = {name for option in ("choose", "drop", "confirm", "no_confirm") for name in options[option]}
    if unknown := named - {tool.remote_name for tool in tools}:
        raise CommandError(f"The server has no tool {sorted(unknown)[0]!r}.")
    for first, second in (("choose", "drop"), ("confirm", "no_confirm")):
        if both := set(options[first]) & set(options[second]):
            raise CommandError(f"--{first} and --{second.replace('_', '-')} both name {sorted(both)[0]!r}.")
    in_use = _changed({tool.remote_name for tool in tools if tool.accepted}, options["choose"], options["drop"])
    if unused := set(options["confirm"]) - in_use:
        raise CommandError(f"{sorted(unused)[0]!r} is not in use: add it with --choose.")


def _changed(names: set[str], added: list[str], removed: list[str]) -> set[str]:
    return (names | set(added)) - set(removed)


def _server(app: App, slug: str) -> McpServer:
    server = app.mcp_servers.select_related("app").filter(slug=slug).first()
    if server is None:
        known = ", ".join(app.mcp_servers.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no MCP server {slug!r}. Servers of {app.slug}: {known}.")
    return server
