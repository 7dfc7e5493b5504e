"""Asking a server for its tools, seeing what is new, and taking it over."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from apps_registry.http_tools.scrub import scrub
from apps_registry.mcp.definition import McpToolDefinition, define, find_hidden, find_problem, local_name
from apps_registry.mcp.errors import McpError
from apps_registry.mcp.offer import Offer, OfferedTool, read_offer
from apps_registry.mcp.sessions import single_session
from apps_registry.mcp.tool import endpoint_of
from apps_registry.mcp.wire import Endpoint
from apps_registry.models import App, Model, Tool
from apps_registry.models.mcp import McpServer
from apps_registry.outbound.addresses import ALLOWABLE
from apps_registry.outbound.client import CallRecord
from apps_registry.services.outbound_log import store_outside_turn
from apps_registry.services.provider_fit import find_unfit, models_of_app
from apps_registry.services.surroundings import surroundings_of
from apps_registry.support.fingerprint import fingerprint
from apps_registry.tools.base import SEARCH_TOOL, ToolError

State = Literal["new", "the same", "changed", "gone", "unusable"]


@dataclass(frozen=True, slots=True)
class OfferedState:
    """A tool of a server beside what the App has of it.

    Attributes:
        name: what the App's model calls it, or would.
        offered: what the server said when it was last asked; None: nothing.
        accepted: what the App has; None: it is not chosen.
        problem: why it cannot be used.
        needs_confirmation: the user is asked before each call.
    """

    name: str
    remote_name: str
    state: State
    offered: McpToolDefinition | None
    accepted: McpToolDefinition | None
    problem: str = ""
    needs_confirmation: bool = False

    @property
    def differences(self) -> list[tuple[str, object, object]]:
        """What the server says otherwise than what was accepted: field, before, after."""
        if not self.offered or not self.accepted:
            return []
        before, after = self.accepted.as_json(), self.offered.as_json()
        return [(field, before[field], after[field]) for field in before if before[field] != after[field]]


def refresh(server: McpServer) -> None:
    """Ask a server for its tools and keep the answer; no tool changes yet.

    Raises:
        McpError: it cannot be asked; the message holds no secret.
    """
    surroundings = surroundings_of(server.app)
    records: list[CallRecord] = []
    try:
        endpoint = endpoint_of(
            surroundings, url=server.url, headers=server.headers, timeout_seconds=server.timeout_seconds
        )
        offer = async_to_sync(_ask)(endpoint, records)
    except (ToolError, McpError) as error:
        message = scrub(str(error), surroundings.secrets.readable_values())
        if message.endswith(ALLOWABLE):
            message += ". If you mean that host, put it, with its port, under “Allowed hosts” on the App's page"
        raise McpError(message) from None
    finally:
        store_outside_turn(server.app_id, f"{server.slug} asked for its tools", records)
    server.offered, server.refreshed_at = [tool.as_data() for tool in offer.tools], timezone.now()
    server.left_out, server.offered_instructions = offer.left_out, offer.instructions
    server.save(update_fields=["offered", "left_out", "offered_instructions", "refreshed_at"])


async def _ask(endpoint: Endpoint, records: list[CallRecord]) -> Offer:
    async with single_session(endpoint, records) as session, session.operation(records) as operation:
        return await read_offer(operation)


def states(server: McpServer) -> list[OfferedState]:
    """Return the server's tools in its order, then those that it no longer offers."""
    chosen = {}
    for tool in server.tools.all():
        definition = McpToolDefinition.from_text(tool.definition)
        chosen[definition.remote_name] = (tool.name, definition)
    found = []
    models = models_of_app(server.app)
    for data in server.offered:
        offered = define(OfferedTool(**data))
        name, accepted = chosen.pop(offered.remote_name, (local_name(server.slug, offered.remote_name), None))
        found.append(_state(name, offered, accepted, models))
    asking = set(server.tools.filter(needs_confirmation=True).values_list("name", flat=True))
    found = [replace(each, needs_confirmation=each.accepted is not None and each.name in asking) for each in found]
    return [*found, *(OfferedState(name, key, "gone", None, has) for key, (name, has) in chosen.items())]


def digest(server: McpServer) -> str:
    """Return what tells this answer of the server from any other."""
    return fingerprint(server.offered, server.offered_instructions)


@transaction.atomic
def choose(server: McpServer, remote_names: Collection[str], *, confirmed: Collection[str] | None = None) -> list[str]:
    """Make the App use these tools of the server and its instructions, as it gives them now, and no others of it.

    Args:
        server: which has been asked.
        remote_names: as the server calls them.
        confirmed: those of them of which each call needs the user's confirmation; None: that stays as it is.

    Returns:
        What was done, a few words for each tool that was added, changed or removed, or could not be.
    """
    App.objects.select_for_update(no_key=True).get(pk=server.app_id)
    done = [_choose_one(server, each, is_wanted=each.remote_name in remote_names) for each in states(server)]
    done += [] if confirmed is None else _set_confirmed(server, confirmed)
    done += _accept_instructions(server)
    return [sentence for sentence in done if sentence]


def _accept_instructions(server: McpServer) -> Iterator[str]:
    if server.instructions != server.offered_instructions:
        server.instructions = server.offered_instructions
        server.save(update_fields=["instructions"])
        yield (
            "The model is told the server's instructions as they are now"
            if server.instructions
            else ("The model is no longer told instructions of the server")
        )


def _set_confirmed(server: McpServer, remote_names: Collection[str]) -> Iterator[str]:
    for tool in server.tools.all():
        is_wanted = McpToolDefinition.from_text(tool.definition).remote_name in remote_names
        if tool.needs_confirmation != is_wanted:
            tool.needs_confirmation = is_wanted
            tool.save(update_fields=["needs_confirmation"])
            yield f"Calls of {tool.name} {'need' if is_wanted else 'no longer need'} the user's confirmation"


def _choose_one(server: McpServer, each: OfferedState, *, is_wanted: bool) -> str:
    mine = server.tools.filter(name=each.name)
    if each.accepted and (not is_wanted or each.offered is None):
        mine.delete()
        return f"Removed {each.name}"
    if not is_wanted or each.offered is None or each.state == "the same":
        return ""
    if each.problem:
        return f"Not {'changed' if each.accepted else 'added'}, {each.name}: {each.problem}"
    if each.accepted:
        mine.update(definition=each.offered.as_text())
        return f"Changed {each.name}"
    if each.name.lower() == SEARCH_TOOL or Tool.objects.filter(app=server.app_id, name__iexact=each.name).exists():
        return f"Not added, {each.name}: the App has another tool of this name"
    tool = Tool(app=server.app, kind=Tool.Kind.MCP, name=each.name, mcp_server=server)
    tool.definition = each.offered.as_text()
    tool.save()
    return f"Added {each.name}"


def _state(
    name: str, offered: McpToolDefinition, accepted: McpToolDefinition | None, models: Iterable[Model]
) -> OfferedState:
    problem = find_problem(offered) or find_hidden(offered) or next(find_unfit(models, name, offered.parameters), "")
    state: State = "new"
    if problem:
        state = "unusable"
    elif accepted:
        state = "the same" if accepted == offered else "changed"
    return OfferedState(name, offered.remote_name, state, offered, accepted, problem)
