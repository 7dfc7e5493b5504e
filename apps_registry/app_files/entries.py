"""The mappings of an App file. The classes check files and make the JSON Schema, where editors show the docstrings.

pydantic does this, which `openai` requires anyway: it reports all errors of a file, not only the first, and builds the
schema. Reading a file of 1 MB takes 0.6 s, of which this check takes 9 ms and the other rules take the rest.
The models and `http_tools.checks` validate the meaning of values, such as whether a URL can be called, because those
rules apply in the admin as well. `content` keeps dataclasses for comparing, storing and diffing: they order and omit
fields differently from files.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidatorFunctionWrapHandler, WrapValidator

from apps_registry.builtin_tools.registry import BUILTIN_TOOLS
from apps_registry.models.mcp import McpServer
from apps_registry.provider_rules.profiles import PROFILES

FORMAT = 1


def _as_written(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    check(value)
    return value


# Whole numbers stay integers, so that an exported file spells a number as the imported one did.
Number = Annotated[float, WrapValidator(_as_written)]


class Entry(BaseModel):
    """A mapping in a file: a field that it does not have is refused, and no value is converted to another type."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


class ProviderEntry(Entry):
    """A provider, which is made if it is missing. Its key is never in a file."""

    slug: str
    base_url: str
    """The address before /chat/completions, such as https://api.openai.com/v1."""
    profile: Annotated[str, Field(json_schema_extra={"enum": ["", *sorted(PROFILES)]})] = ""
    """The kind of provider; empty: recognised by its address."""
    api_key_env: str = ""
    """The environment variable that holds its key."""


class ModelEntry(Entry):
    """A model, which is made if it is missing."""

    name: str
    provider: str
    """The provider's slug."""


class ToolEntry(Entry):
    """A tool."""

    name: str
    """Its name for the model."""
    is_enabled: bool = True
    """Whether the model is offered the tool."""
    needs_confirmation: bool = False
    """Whether each call waits for the user's confirmation."""


class McpToolEntry(ToolEntry):
    """A chosen tool of an MCP server, as it was accepted."""

    remote_name: str
    """Its name at the server."""
    description: str
    parameters: dict[str, Any]
    """JSON Schema of its arguments."""


class ClientToolEntry(Entry):
    """A tool that the App's clients run."""

    name: str
    """What the model calls it."""
    description: str = ""
    """Tells the model what it does and when to use it."""
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    """JSON Schema of its arguments."""
    is_enabled: bool = True
    """Whether the model is offered the tool."""


class McpServerEntry(Entry):
    """An MCP server and the tools that were chosen."""

    prefix: str
    """The prefix of its tools' names, followed by an underscore."""
    url: str
    headers: dict[str, str] = {}
    """By name; a value may hold {{ secrets.NAME }}."""
    timeout_seconds: Number = McpServer().timeout_seconds
    max_result_chars: int = McpServer().max_result_chars
    keeps_session: bool = False
    """One session per conversation, for servers that keep state."""
    instructions: str = ""
    """The server's instructions for its tools, as they were accepted."""
    tools: list[McpToolEntry] = []


class DocumentEntry(Entry):
    """A document: give one of text, file and sha256."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [name]} for name in ("text", "file", "sha256")]}
    )

    name: str
    """With its extension, perhaps with folders: guide/short.md."""
    tags: list[str] = []
    text: str = ""
    """The content."""
    file: str = ""
    """The path of the content, in the App file's folder or below."""
    sha256: str = ""
    """The digest of a content that the App has already."""


class AppEntry(Entry):
    """An App as a file. Omitted fields get their defaults; an import removes tools and documents that it omits."""

    app_file: int = FORMAT
    """The format of the file."""
    slug: str
    """The value that callers send as app=."""
    default_model: str = ""
    """By name. If omitted, the App keeps its model."""
    alternative_models: list[str] = []
    """By name, in the order in which they are offered."""
    embedding_model: str = ""
    """By name. Empty: documents are searched by words only."""
    builtin_tools: list[Annotated[str, Field(json_schema_extra={"enum": sorted(BUILTIN_TOOLS)})]] = []
    http_tools: list[ToolEntry] = []
    client_tools: list[ClientToolEntry] = []
    """Tools that run in the callers' programs."""
    mcp_servers: list[McpServerEntry] = []
    documents: list[DocumentEntry] = []
    secrets: list[str] = []
    """For people: the secrets that its tools send, which are set on the App's page."""
    providers: list[ProviderEntry] = []
    models: list[ModelEntry] = []
    embedding_models: list[ModelEntry] = []
