"""Reads the tools that a server offers. An unusable tool does not affect the others."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from apps_registry.mcp import param_headers
from apps_registry.mcp.errors import McpError, quotable
from apps_registry.mcp.lifting import lift
from apps_registry.mcp.session import Operation
from apps_registry.support.text.naming import shortened
from apps_registry.support.text.outside_text import is_storable_data, storable
from apps_registry.support.text.plain_json import plain

MAX_TOOLS = 500
MAX_DEPTH = 50
MAX_INSTRUCTIONS = 4000
NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as its server describes it."""

    name: str
    description: str
    parameters: dict[str, Any]

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Offer:
    """Everything that a server says about its tools.

    Attributes:
        left_out: tools that cannot be used, each with a name and the reason as a sentence.
        instructions: the server's own text on how to use its tools, shortened.
    """

    tools: list[OfferedTool] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    instructions: str = ""

    def take(self, data: Any) -> None:
        """Add a tool, or the reason why it is left out."""
        position = len(self.tools) + len(self.left_out) + 1
        try:
            tool = _read(data)
            if any(other.name == tool.name for other in self.tools):
                raise ValueError("The server lists it twice.")
        except ValueError as error:
            self.left_out.append((_name_of(data) or f"tool {position} of the list", str(error)))
        else:
            self.tools.append(tool)


async def read_offer(operation: Operation) -> Offer:
    """Request a server's tools, page by page, until there are no more or the cursor does not advance.

    Raises:
        McpError: the request fails, the response is not a list of tools, or the list never ends.
    """
    offer = Offer(instructions=clean_instructions(operation.session.instructions))
    async for data in _listed(operation):
        offer.take(data)
        if len(offer.tools) + len(offer.left_out) > MAX_TOOLS:
            raise McpError(f"the server offers more than {MAX_TOOLS} tools")
    return offer


def clean_instructions(text: str) -> str:
    """Return a server's instructions, shortened and without invisible characters; line breaks remain."""
    lines = (shortened(line, MAX_INSTRUCTIONS) for line in text[: MAX_INSTRUCTIONS * 8].splitlines())
    cleaned = "\n".join(lines).strip()
    return cleaned if len(cleaned) <= MAX_INSTRUCTIONS else cleaned[: MAX_INSTRUCTIONS - 1] + "…"


async def _listed(operation: Operation) -> Any:
    cursor: str | None = None
    seen_cursors: set[str] = set()
    for _ in range(MAX_TOOLS):
        page = await operation.request("tools/list", {} if cursor is None else {"cursor": cursor})
        tools = page.get("tools", ...)
        tools = [] if tools is None else tools  # Go serialises an empty list as null
        if not isinstance(tools, list):
            raise McpError("its answer to tools/list has no list of tools")
        for tool_data in tools:
            yield tool_data
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or not cursor or cursor in seen_cursors:
            return
        seen_cursors.add(cursor)
    raise McpError(f"its list of tools has more than {MAX_TOOLS} pages")


def _read(data: Any) -> OfferedTool:
    """Return a tool.

    Raises:
        ValueError: the tool cannot be used; the message says why as a sentence.
    """
    for problem in _problems(data):
        raise ValueError(problem)
    description = data.get("description")
    try:
        parameters = lift(plain(data["inputSchema"], max_depth=MAX_DEPTH))
    except ValueError as error:  # raised by us, so its message is ours
        raise ValueError(f"Its inputSchema cannot be used: {error}.") from None
    if not is_storable_data((data["name"], data["inputSchema"])):
        raise ValueError("Its name or its inputSchema contains characters that cannot be stored.")
    return OfferedTool(data["name"], storable(description) if isinstance(description, str) else "", parameters)


def _problems(data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        yield "It is not described by an object."
        return
    if not isinstance(data.get("name"), str) or not data["name"]:
        yield "It has no name."
    schema = data.get("inputSchema")
    if not isinstance(schema, dict):
        yield "It has no inputSchema." if schema is None else "Its inputSchema is not an object."
        return
    if schema.get("type") != "object":
        yield 'Its inputSchema does not say "type": "object".'
    if data.get("outputSchema") is not None and not isinstance(data["outputSchema"], dict):
        yield "Its outputSchema is not an object."
    execution = data.get("execution")
    if isinstance(execution, dict) and execution.get("taskSupport") == "required":
        yield "It runs only as a task, and tasks are not supported."
    if problem := param_headers.find_problem(schema):
        yield problem


def _name_of(data: Any) -> str:
    name = data.get("name") if isinstance(data, dict) else None
    return quotable(name)[:NAME_CHARS] if isinstance(name, str) else ""
