"""Refreshes the tools of an MCP server, compares them with those in use, and applies a selection."""

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
    """A tool of a server, compared with the App's version of it.

    Attributes:
        name: the name that the App's model uses.
        offered: the definition at the last refresh; None: the server no longer offers the tool.
        accepted: the definition that the App uses; None: the tool is not selected.
        problem: why the tool cannot be used.
        needs_confirmation: whether the user must approve each call.
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
        """The differences between the accepted and the offered definition: field, before, after."""
        if not self.offered or not self.accepted:
            return []
        before, after = self.accepted.as_json(), self.offered.as_json()
        return [(field, before[field], after[field]) for field in before if before[field] != after[field]]


def refresh(server: McpServer) -> None:
    """Refresh the list of tools of a server; no tool of the App changes.

    Raises:
        McpError: the server cannot be called; the message contains no secret.
    """
    surroundings = surroundings_of(server.app)
    records: list[CallRecord] = []
    try:
        endpoint = endpoint_of(server.settings, surroundings)
        offer = async_to_sync(_ask)(endpoint, records)
    except (ToolError, McpError) as error:
        message = scrub(str(error), surroundings.secrets.readable_values())
        if message.endswith(ALLOWABLE):
            message += ". To allow this host, add it with its port under “Allowed hosts” on the App's page"
        raise McpError(message) from None
    finally:
        store_outside_turn(server.app_id, f"tools of {server.slug} refreshed", records)
    server.offered, server.refreshed_at = [tool.as_data() for tool in offer.tools], timezone.now()
    server.left_out, server.offered_instructions = offer.left_out, offer.instructions
    server.save(update_fields=["offered", "left_out", "offered_instructions", "refreshed_at"])


async def _ask(endpoint: Endpoint, records: list[CallRecord]) -> Offer:
    async with single_session(endpoint, records) as session, session.operation(records) as operation:
        return await read_offer(operation)


def states(server: McpServer) -> list[OfferedState]:
    """Return the server's tools in its order, then the tools in use that it no longer offers."""
    chosen = {}
    for tool in server.tools.all():
        definition = McpToolDefinition.from_text(tool.definition)
        chosen[definition.remote_name] = (tool.name, definition)
    tool_states = []
    models = models_of_app(server.app)
    for data in server.offered:
        offered = define(OfferedTool(**data))
        name, accepted = chosen.pop(offered.remote_name, (local_name(server.slug, offered.remote_name), None))
        tool_states.append(_state(name, offered, accepted, models))
    confirmed_names = set(server.tools.filter(needs_confirmation=True).values_list("name", flat=True))
    tool_states = [
        replace(tool, needs_confirmation=tool.accepted is not None and tool.name in confirmed_names)
        for tool in tool_states
    ]
    return [
        *tool_states,
        *(OfferedState(name, key, "gone", None, accepted) for key, (name, accepted) in chosen.items()),
    ]


def digest(server: McpServer) -> str:
    """Return a digest that identifies the offered tools and instructions."""
    return fingerprint(server.offered, server.offered_instructions)


@transaction.atomic
def choose(server: McpServer, remote_names: Collection[str], *, confirmed: Collection[str] | None = None) -> list[str]:
    """Make the App use exactly these tools of the server and its instructions, as of the last refresh.

    Args:
        server: a server that has been refreshed.
        remote_names: the server's names of the tools.
        confirmed: remote names of the tools whose calls need the user's confirmation; None: no change.

    Returns:
        One sentence for each tool that was added, changed or removed, or could not be added or changed.
    """
    App.objects.select_for_update(no_key=True).get(pk=server.app_id)
    done = [_choose_one(server, tool, is_selected=tool.remote_name in remote_names) for tool in states(server)]
    done += [] if confirmed is None else _set_confirmed(server, confirmed)
    done += _accept_instructions(server)
    return [sentence for sentence in done if sentence]


def _accept_instructions(server: McpServer) -> Iterator[str]:
    if server.instructions != server.offered_instructions:
        server.instructions = server.offered_instructions
        server.save(update_fields=["instructions"])
        yield (
            "The model gets the current instructions of the server"
            if server.instructions
            else ("The model no longer gets instructions of the server")
        )


def _set_confirmed(server: McpServer, remote_names: Collection[str]) -> Iterator[str]:
    for tool in server.tools.all():
        is_selected = McpToolDefinition.from_text(tool.definition).remote_name in remote_names
        if tool.needs_confirmation != is_selected:
            tool.needs_confirmation = is_selected
            tool.save(update_fields=["needs_confirmation"])
            yield f"Calls of {tool.name} {'need' if is_selected else 'no longer need'} the user's confirmation"


def _choose_one(server: McpServer, offered_state: OfferedState, *, is_selected: bool) -> str:
    tool_rows = server.tools.filter(name=offered_state.name)
    if offered_state.accepted and (not is_selected or offered_state.offered is None):
        tool_rows.delete()
        return f"Removed {offered_state.name}"
    if not is_selected or offered_state.offered is None or offered_state.state == "the same":
        return ""
    if offered_state.problem:
        return f"Not {'changed' if offered_state.accepted else 'added'}, {offered_state.name}: {offered_state.problem}"
    if offered_state.accepted:
        tool_rows.update(definition=offered_state.offered.as_text())
        return f"Changed {offered_state.name}"
    if (
        offered_state.name.lower() == SEARCH_TOOL
        or Tool.objects.filter(app=server.app_id, name__iexact=offered_state.name).exists()
    ):
        return f"Not added, {offered_state.name}: the App has another tool with this name"
    tool = Tool(app=server.app, kind=Tool.Kind.MCP, name=offered_state.name, mcp_server=server)
    tool.definition = offered_state.offered.as_text()
    tool.save()
    return f"Added {offered_state.name}"


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
