"""What a caller may ask of a single turn, in addition to its message.

The options are stored with the turn until it ends, so that a turn that pauses resumes with them on any worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from pydantic import TypeAdapter

from apps_registry.tools.base import Tool
from apps_registry.values import AppConfig, Sampling
from chat.turns.input.client_tools import ABOUT_CLIENT_TOOLS, ClientTool, check_client_tools
from sessions_app.values import StoredMessage

NO_SAMPLING = Sampling()
INSTRUCTIONS = "The caller's program adds these instructions. Where they contradict those above, those above apply."


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions:
    """The options of one turn; the defaults ask for nothing.

    Attributes:
        model: the name of one of the App's models; empty for the session's.
        instructions: follow the App's own.
        sampling: replaces the App's parameters where it sets them.
        tools: functions that the caller runs.
        history: messages before those of the session, which are not stored as its messages.
        is_stateless: whether the session exists for this turn only.
        has_client_tools: whether the client can run the tools that the App declares for clients.
    """

    model: str = ""
    instructions: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    tools: Sequence[ClientTool] = ()
    history: Sequence[StoredMessage] = ()
    is_stateless: bool = False
    has_client_tools: bool = True

    @property
    def prompt_bytes(self) -> int:
        """An upper bound of the bytes that the instructions and tools add to a prompt."""
        tools = sum(len(orjson.dumps(tool)) + 2 * len(tool.name) for tool in self.tools)
        return len(self.system_text().encode()) + tools + (len(ABOUT_CLIENT_TOOLS) if tools else 0)

    def system_text(self) -> str:
        """Return the part of the system prompt that holds the caller's instructions; empty if there are none."""
        return f"{INSTRUCTIONS}\n{self.instructions}" if self.instructions else ""

    def sampling_over(self, app: Sampling) -> Sampling:
        """Return an App's parameters, overridden by the caller's."""
        if self.sampling == NO_SAMPLING:
            return app
        names = ("temperature", "top_p", "max_reply_tokens", "response_format")
        return replace(app, **{name: value for name in names if (value := getattr(self.sampling, name)) is not None})

    def offered_tools(self) -> tuple[Tool, ...]:
        """Return the caller's tools in the form that models get."""
        return tuple(tool.as_tool() for tool in self.tools)


class ToolsNotTaken(Exception):
    """The App does not accept tools from callers."""


def check_options(options: TurnOptions, app: AppConfig) -> None:
    """Check that the App allows what a caller asks of a turn.

    Raises:
        ToolsNotTaken: the App does not accept tools from callers.
        InvalidClientTool: one of them cannot be offered.
    """
    if not options.tools:
        return
    if not app.caller_rules.may_bring_tools:
        raise ToolsNotTaken
    check_client_tools(options.tools, [tool.name for tool in app.tools])


NO_OPTIONS = TurnOptions()
_OPTIONS = TypeAdapter(TurnOptions)


def dump_options(options: TurnOptions) -> str | None:
    """Serialise options for the column `options` of their turn; None if there are none."""
    return None if options is NO_OPTIONS or options == NO_OPTIONS else orjson.dumps(options).decode()


def load_options(stored: Mapping[str, Any] | None) -> TurnOptions:
    """Parse the column `options` of a turn."""
    return NO_OPTIONS if stored is None else _OPTIONS.validate_python(stored)
