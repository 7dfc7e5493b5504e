"""The definition of a chosen MCP tool, and whether the tool can be used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps_registry.http_tools.schema import find_schema_problem
from apps_registry.mcp.offer import OfferedTool
from apps_registry.support.text.naming import shortened, tool_name
from apps_registry.support.text.outside_text import is_storable_data
from apps_registry.support.text.visible_text import has_invisible

MAX_DESCRIPTION = 1000


@dataclass(frozen=True, slots=True)
class McpToolDefinition:
    """A tool as the operator accepted it. Later changes at the server have no effect until the operator accepts them.

    Attributes:
        remote_name: the tool's name at the server.
        parameters: JSON Schema of its arguments.
    """

    remote_name: str
    description: str
    parameters: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "remote_name": self.remote_name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }

    def as_text(self) -> str:
        """Return it as JSON text, for storage."""
        return orjson.dumps(self.as_json()).decode()

    @classmethod
    def from_text(cls, text: str) -> "McpToolDefinition":
        """Return the definition that `as_text` wrote.

        Raises:
            TypeError, ValueError: the text is not a definition.
        """
        return cls(**orjson.loads(text))


def define(offered: OfferedTool) -> McpToolDefinition:
    """Return a definition that is fit for a model, from what a server offers."""
    schema = {
        name: _with_visible_descriptions(value)
        for name, value in offered.parameters.items()
        if name not in {"$schema", "title"}
    }
    description = shortened(offered.description, MAX_DESCRIPTION) or offered.name
    return McpToolDefinition(offered.name, description, {"type": "object", "properties": {}, **schema})


def find_problem(definition: McpToolDefinition) -> str | None:
    """Return why a tool cannot be used, or None if it can."""
    if not is_storable_data(definition.as_json()) or not 1 <= len(definition.remote_name) <= 200:
        return "Its name or its schema cannot be stored."
    return find_schema_problem(dict(definition.parameters))


def find_hidden(definition: McpToolDefinition) -> str | None:
    """Return why a tool should not be chosen although it can be used, or None if it hides nothing."""
    if any(map(has_invisible, _texts(definition.parameters))):
        return "Its schema contains invisible characters, which a model would read."
    return None


def local_name(slug: str, remote_name: str) -> str:
    """Return the name by which an App's model calls a server's tool."""
    return tool_name(f"{slug}_{remote_name}")


def _with_visible_descriptions(node: Any) -> Any:
    """Return part of a schema without characters in descriptions that a model reads but an operator cannot see."""
    if isinstance(node, list):
        return [_with_visible_descriptions(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: shortened(value, MAX_DESCRIPTION)
        if name in {"description", "title"} and isinstance(value, str)
        else _with_visible_descriptions(value)
        for name, value in node.items()
    }


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for name, value in node.items() if isinstance(node, Mapping) else ():
        yield name
        yield from _texts(value)
    for item in node if isinstance(node, list) else ():
        yield from _texts(item)
