"""Reads App files strictly."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from apps_registry.app_files.content import (
    AppContent,
    ClientToolContent,
    DocumentContent,
    HttpToolContent,
    McpServerContent,
    McpToolContent,
)
from apps_registry.app_files.definitions import Definitions, definitions_in
from apps_registry.app_files.derived import app_entry
from apps_registry.app_files.entries import (
    FORMAT,
    ClientToolEntry,
    DocumentEntry,
    McpServerEntry,
    McpToolEntry,
    ToolEntry,
)
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.settings import setting_fields, without_defaults
from apps_registry.app_files.strict import checked, load
from apps_registry.builtin_tools.registry import BUILTIN_TOOLS
from apps_registry.extraction.blocks import MAX_FILE_BYTES, MIB, clean_line
from apps_registry.extraction.names import KINDS, MAX_NAME_CHARS, READABLE, suffix
from apps_registry.http_tools.checks import TOOL_NAME, find_problems
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.mcp.definition import McpToolDefinition, find_problem
from apps_registry.mcp.offer import clean_instructions
from apps_registry.models.document import validate_tag
from apps_registry.models.mcp import McpServer
from apps_registry.models.provider import validate_slug
from apps_registry.services.client_tools import find_client_tool_problem
from apps_registry.tools.base import SEARCH_TOOL

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class AppFile:
    """The result of reading a file.

    Attributes:
        content: the App. An empty default model leaves the choice to the installation.
        definitions: providers and models to create where they are missing.
        files: contents of documents by SHA-256. The App must already have all other documents.
    """

    content: AppContent
    definitions: Definitions = field(default_factory=Definitions)
    files: Mapping[str, bytes] = field(default_factory=dict)


def files_below(folder: Path) -> ReadFile:
    """Return a function that reads the files that an App file names, only from its own folder and below.

    The function raises AppFileError for a file that cannot be read, is too large, or is elsewhere.
    """
    top = folder.resolve()

    def read(name: str) -> bytes:
        try:
            path = (top / name).resolve()
        except (OSError, RuntimeError):  # RuntimeError: a cycle of symbolic links
            raise AppFileError(f"the file {name} cannot be read.") from None
        if not path.is_relative_to(top):
            raise AppFileError(f"the file {name} is not below the App file's folder.")
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise AppFileError(f"the file {name} is larger than {MAX_FILE_BYTES // MIB} MB.")
            return path.read_bytes()
        except OSError as error:
            raise AppFileError(f"the file {name} cannot be read: {error.strerror}.") from None

    return read


def no_files(name: str) -> bytes:
    """Refuse references to other files, for an App file that was uploaded alone."""
    raise AppFileError(f"{name} did not come with the App file; import it with manage.py, or write the text into it.")


def read_app_file(content: bytes, read_file: ReadFile) -> AppFile:
    """Read a file.

    Args:
        content: the YAML.
        read_file: returns the content of a document, given the path in the file.

    Raises:
        AppFileError: the file is refused; the message names the line or the field.
    """
    return read_data(load(content), read_file)


def read_data(data: Mapping[str, Any], read_file: ReadFile = no_files) -> AppFile:
    """Read the data of a file, or data that `AppContent.as_data` returned; see `read_app_file`."""
    entry = checked(app_entry(), data)
    if entry.app_file != FORMAT:
        raise AppFileError(f"app_file: this server reads files of format {FORMAT}.")
    files: dict[str, bytes] = {}
    content = AppContent(
        slug=_valid(entry.slug, "slug", validate_slug),
        default_model=entry.default_model,
        alternative_models=_without_duplicates(entry.alternative_models),
        embedding_model=entry.embedding_model,
        builtin_tools=_builtin_tools(entry.builtin_tools),
        http_tools=tuple(
            _http_tool(tool_entry, f"http_tools[{index}]") for index, tool_entry in enumerate(entry.http_tools)
        ),
        client_tools=tuple(
            _client_tool(tool_entry, f"client_tools[{index}]") for index, tool_entry in enumerate(entry.client_tools)
        ),
        mcp_servers=tuple(
            _mcp_server(server_entry, f"mcp_servers[{index}]") for index, server_entry in enumerate(entry.mcp_servers)
        ),
        documents=tuple(
            _document(document_entry, f"documents[{index}]", read_file, files)
            for index, document_entry in enumerate(entry.documents)
        ),
        settings=without_defaults(
            {name: getattr(entry, name) for name in setting_fields().keys() & entry.model_fields_set}
        ),
    )
    _refuse_duplicates(content)
    return AppFile(content.normalized(), definitions_in(entry), files)


def _valid(value: str, path: str, validate: Callable[[str], None]) -> str:
    try:
        validate(value)
    except ValidationError as error:
        raise AppFileError(f"{path}: {error.messages[0]}") from None
    return value


def _without_duplicates(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _builtin_tools(names: Sequence[str]) -> tuple[str, ...]:
    names = _without_duplicates(names)
    for name in names:
        if name not in BUILTIN_TOOLS:
            raise AppFileError(
                f"builtin_tools: there is no {name[:80]}. There are: {', '.join(sorted(BUILTIN_TOOLS))}."
            )
    return names


def _http_tool(entry: ToolEntry, path: str) -> HttpToolContent:
    attributes = {name: getattr(entry, name) for name in entry.model_fields_set - ToolEntry.model_fields.keys()}
    definition = HttpToolDefinition.from_json(entry.name, attributes)
    for problem in find_problems(definition):
        raise AppFileError(f"{path}.{problem.attribute}: {problem.message}")
    return HttpToolContent(definition, entry.is_enabled, entry.needs_confirmation)


def _client_tool(entry: ClientToolEntry, path: str) -> ClientToolContent:
    if problem := find_client_tool_problem(entry.name, entry.description, entry.parameters):
        raise AppFileError(f"{path}: {problem}")
    return ClientToolContent(entry.name, entry.description, entry.parameters, entry.is_enabled)


def _mcp_server(entry: McpServerEntry, path: str) -> McpServerContent:
    row = McpServer(
        slug=entry.prefix,
        instructions=clean_instructions(entry.instructions),
        **entry.model_dump(include={"url", "headers", "timeout_seconds", "max_result_chars", "keeps_session"}),
    )
    try:
        row.clean_fields(exclude=["app"])
        row.clean()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise AppFileError(f"{path}.{'prefix' if name == 'slug' else name}: {messages[0]}") from None
    tools = tuple(_mcp_tool(tool_entry, f"{path}.tools[{index}]") for index, tool_entry in enumerate(entry.tools))
    return McpServerContent(row.slug, row.settings, tools)


def _mcp_tool(entry: McpToolEntry, path: str) -> McpToolContent:
    if not TOOL_NAME.match(entry.name) or entry.name.lower() == SEARCH_TOOL:
        raise AppFileError(f"{path}.name: Use up to 64 letters, digits, hyphens and underscores; not {SEARCH_TOOL}.")
    definition = McpToolDefinition(entry.remote_name, entry.description, entry.parameters)
    if problem := find_problem(definition):
        raise AppFileError(f"{path}: {problem}")
    return McpToolContent(entry.name, definition, entry.is_enabled, entry.needs_confirmation)


def _document(entry: DocumentEntry, path: str, read_file: ReadFile, files: dict[str, bytes]) -> DocumentContent:
    name, tags = entry.name, _without_duplicates(entry.tags)
    if clean_line(name) != name or len(name) > MAX_NAME_CHARS or suffix(name) not in KINDS:
        readable = READABLE.replace(" and .zip of these", "")
        raise AppFileError(f"{path}.name: this must be the name of a file of a supported type: {readable}.")
    for tag in tags:
        _valid(tag, f"{path}.tags", validate_tag)
    return DocumentContent(name, _digest(entry, path, read_file, files), tags)


def _digest(entry: DocumentEntry, path: str, read_file: ReadFile, files: dict[str, bytes]) -> str:
    """Return the digest of a document's content. If the file includes the content, also add it to `files`."""
    sources = entry.model_fields_set & {"text", "file", "sha256"}
    if len(sources) != 1:
        raise AppFileError(f"{path}: give one of text, file and sha256.")
    (form,) = sources
    if form == "sha256":
        return entry.sha256.lower()
    try:
        content = entry.text.encode() if form == "text" else read_file(entry.file)
    except AppFileError as error:
        raise AppFileError(f"{path}.file: {error}") from None
    if not content:
        raise AppFileError(f"{path}.{form}: it is empty.")
    digest = hashlib.sha256(content).hexdigest()
    files[digest] = content
    return digest


def _refuse_duplicates(content: AppContent) -> None:
    mcp = [tool.name for server in content.mcp_servers for tool in server.tools]
    tools = [*content.builtin_tools, *(tool.definition.name for tool in content.http_tools), *mcp]
    tools += [tool.name for tool in content.client_tools]
    names_by_field = {
        "tools": [name.lower() for name in tools],
        "mcp_servers": [server.prefix for server in content.mcp_servers],
        "documents": [document.name for document in content.documents],
        "documents, by their content": [document.sha256 for document in content.documents],
    }
    for where, names in names_by_field.items():
        for name, number in Counter(names).items():
            if number > 1:
                raise AppFileError(f"{where}: {name[:80]} is listed twice.")
    if content.default_model in content.alternative_models:
        raise AppFileError("alternative_models: the default model is not its own alternative.")
