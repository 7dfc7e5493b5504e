"""An App file read strictly: what it says, or why it is refused."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from apps_registry.app_files.content import (
    AppContent,
    DocumentContent,
    HttpToolContent,
    McpServerContent,
    McpToolContent,
)
from apps_registry.app_files.definitions import Definitions, take_definitions
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.settings import take_settings
from apps_registry.app_files.strict import Fields, load
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
from apps_registry.tools.base import SEARCH_TOOL

FORMAT = 1

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class AppFile:
    """What a file says.

    Attributes:
        content: the App; an empty default model: the file leaves the choice to the installation.
        definitions: providers and models to make where they are missing.
        files: contents of documents by their SHA-256; one that is not among them must be in the App already.
    """

    content: AppContent
    definitions: Definitions = field(default_factory=Definitions)
    files: Mapping[str, bytes] = field(default_factory=dict)


def files_below(folder: Path) -> ReadFile:
    """Return what reads the files that an App file names: only those in its own folder and below."""
    top = folder.resolve()

    def read(name: str) -> bytes:
        try:
            path = (top / name).resolve()
        except (OSError, RuntimeError):  # links in a circle
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
    """Refuse files beside the App file, for one that came alone."""
    raise AppFileError(f"{name} did not come with the App file; import it with manage.py, or write the text into it.")


def read_app_file(content: bytes, read_file: ReadFile) -> AppFile:
    """Read a file.

    Args:
        content: the YAML.
        read_file: returns the content of a document that the file names by its path.

    Raises:
        AppFileError: it is refused; the message names the line or the field.
    """
    return read_data(load(content), read_file)


def read_data(data: Mapping[str, Any], read_file: ReadFile = no_files) -> AppFile:
    """Read what a file holds, or what `AppContent.as_data` returned; see `read_app_file`."""
    fields = Fields(data)
    if fields.take("app_file", int, FORMAT) != FORMAT:
        raise AppFileError(f"app_file: this server reads files of format {FORMAT}.")
    files: dict[str, bytes] = {}
    definitions = take_definitions(fields)
    content = AppContent(
        slug=_valid(fields, "slug", validate_slug),
        default_model=fields.take("default_model", str, ""),
        alternative_models=_once(fields, "alternative_models"),
        embedding_model=fields.take("embedding_model", str, ""),
        builtin_tools=_builtin_tools(fields),
        http_tools=tuple(_http_tool(each) for each in fields.take_each("http_tools")),
        mcp_servers=tuple(_mcp_server(each) for each in fields.take_each("mcp_servers")),
        documents=tuple(_document(each, read_file, files) for each in fields.take_each("documents")),
        settings=take_settings(fields),
    )
    fields.take_list("secrets", str)  # for people: the tools tell
    fields.finish()
    _refuse_twins(content)
    return AppFile(content.in_order(), definitions, files)


def _valid(fields: Fields, name: str, validate: Callable[[str], None]) -> str:
    value = fields.take(name, str)
    try:
        validate(value)
    except ValidationError as error:
        raise AppFileError(f"{fields.at(name)}: {error.messages[0]}") from None
    return value


def _once(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fields.take_list(name, str)))


def _builtin_tools(fields: Fields) -> tuple[str, ...]:
    names = _once(fields, "builtin_tools")
    for name in names:
        if name not in BUILTIN_TOOLS:
            raise AppFileError(
                f"builtin_tools: there is no {name[:80]}. There are: {', '.join(sorted(BUILTIN_TOOLS))}."
            )
    return names


def _http_tool(fields: Fields) -> HttpToolContent:
    name, switches = fields.take("name", str), _switches(fields)
    try:
        definition = HttpToolDefinition.from_json(name, fields.take_rest())
    except TypeError as error:
        raise AppFileError(f"{fields.path}: {error}.") from None
    for problem in find_problems(definition):
        raise AppFileError(f"{fields.at(problem.attribute)}: {problem.message}")
    return HttpToolContent(definition, *switches)


def _mcp_server(fields: Fields) -> McpServerContent:
    usual = McpServer()
    row = McpServer(
        slug=fields.take("prefix", str),
        url=fields.take("url", str),
        headers=fields.take("headers", dict, {}),
        timeout_seconds=fields.take("timeout_seconds", float, usual.timeout_seconds),
        max_result_chars=fields.take("max_result_chars", int, usual.max_result_chars),
        keeps_session=fields.take("keeps_session", bool, False),
        instructions=clean_instructions(fields.take("instructions", str, "")),
    )
    try:
        row.clean_fields(exclude=["app"])
        row.clean()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise AppFileError(f"{fields.at('prefix' if name == 'slug' else name)}: {messages[0]}") from None
    tools = tuple(_mcp_tool(each) for each in fields.take_each("tools"))
    return McpServerContent(row.slug, row.settings, tools)


def _mcp_tool(fields: Fields) -> McpToolContent:
    name, switches = fields.take("name", str), _switches(fields)
    if not TOOL_NAME.match(name) or name.lower() == SEARCH_TOOL:
        raise AppFileError(
            f"{fields.at('name')}: Use up to 64 letters, digits, hyphens and underscores; not {SEARCH_TOOL}."
        )
    definition = McpToolDefinition(
        fields.take("remote_name", str), fields.take("description", str), fields.take("parameters", dict)
    )
    if problem := find_problem(definition):
        raise AppFileError(f"{fields.path}: {problem}")
    return McpToolContent(name, definition, *switches)


def _switches(fields: Fields) -> tuple[bool, bool]:
    """Take whether a tool is on, and whether its calls need the user's confirmation."""
    return fields.take("is_enabled", bool, True), fields.take("needs_confirmation", bool, False)


def _document(fields: Fields, read_file: ReadFile, files: dict[str, bytes]) -> DocumentContent:
    name = fields.take("name", str)
    if clean_line(name) != name or len(name) > MAX_NAME_CHARS or suffix(name) not in KINDS:
        readable = READABLE.replace(" and .zip of these", "")
        raise AppFileError(f"{fields.at('name')}: this must be the name of a file of a kind that is read: {readable}.")
    tags = _once(fields, "tags")
    for tag in tags:
        try:
            validate_tag(tag)
        except ValidationError as error:
            raise AppFileError(f"{fields.at('tags')}: {error.messages[0]}") from None
    return DocumentContent(name, _digest(fields, read_file, files), tags)


def _digest(fields: Fields, read_file: ReadFile, files: dict[str, bytes]) -> str:
    """Return the digest of a document's content, which is noted where the file brings it."""
    given = [name for name in ("text", "file", "sha256") if fields.has(name)]
    if len(given) != 1:
        raise AppFileError(f"{fields.path}: give one of text, file and sha256.")
    value = fields.take(given[0], str)
    if given == ["sha256"]:
        return value.lower()
    try:
        content = value.encode() if given == ["text"] else read_file(value)
    except AppFileError as error:
        raise AppFileError(f"{fields.at('file')}: {error}") from None
    if not content:
        raise AppFileError(f"{fields.at(given[0])}: it is empty.")
    digest = hashlib.sha256(content).hexdigest()
    files[digest] = content
    return digest


def _refuse_twins(content: AppContent) -> None:
    mcp = [tool.name for server in content.mcp_servers for tool in server.tools]
    tools = [*content.builtin_tools, *(tool.definition.name for tool in content.http_tools), *mcp]
    named = {
        "tools": [name.lower() for name in tools],
        "mcp_servers": [server.prefix for server in content.mcp_servers],
        "documents": [document.name for document in content.documents],
        "documents, by their content": [document.sha256 for document in content.documents],
    }
    for where, names in named.items():
        for name, number in Counter(names).items():
            if number > 1:
                raise AppFileError(f"{where}: {name[:80]} stands there twice.")
    if content.default_model in content.alternative_models:
        raise AppFileError("alternative_models: the default model is not its own alternative.")
