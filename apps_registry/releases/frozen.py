"""The configuration that a release fixes for an App's turns."""

import logging
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

from apps_registry.app_files.content import AppContent, McpServerContent, McpToolContent
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.settings import columns
from apps_registry.models import App, AppRelease, Document, Model
from apps_registry.releases.content import HOLD_AT_ONCE, content_of_release, models_of
from apps_registry.services.tools_in_use import ToolInUse, builtin_in_use, client_in_use, http_in_use, mcp_in_use

logger = logging.getLogger("aomi.apps")


@dataclass(frozen=True, slots=True)
class FrozenConfig:
    """The parts of an App that a release fixes.

    Attributes:
        app: a copy of the App's row with the release's settings; never saved.
        tools: enabled tools only.
        documents: tags by document id.
        problem: why the release cannot run, as a sentence for callers; the other parts are then empty.
    """

    app: App
    models: list[Model]
    tools: list[ToolInUse]
    documents: dict[int, Sequence[str]]
    problem: str = ""


def frozen_config(app: App, release: AppRelease) -> FrozenConfig:
    """Return the configuration that a release fixes.

    If the release cannot run, the result is empty: the draft was never published, so it must not answer instead.
    """
    frozen = copy(app)
    try:
        content = content_of_release(release)
        models = models_of(content)
    except AppFileError as error:
        logger.error("release %d of App %s cannot be run: %s", release.number, app.slug, error)
        frozen.preamble = ""
        problem = f"Release {release.number} of the App {app.slug} cannot be run; the App's page in the admin says why."
        return FrozenConfig(frozen, [], [], {}, problem)
    for name, value in columns(dict(content.settings)).items():
        if name not in HOLD_AT_ONCE:
            setattr(frozen, name, value)
    return FrozenConfig(frozen, models, list(_tools(content)), _documents(release, content))


def _documents(release: AppRelease, content: AppContent) -> dict[int, Sequence[str]]:
    """Return the tags that the documents were published with, by document id."""
    tags = {document.name: document.tags for document in content.documents}
    rows = Document.versions.filter(app=release.app_id, pk__in=release.document_ids).values_list("pk", "name")
    return {id_: tags.get(name, ()) for id_, name in rows}


def _tools(content: AppContent) -> Iterator[ToolInUse]:
    for name in content.builtin_tools:
        yield builtin_in_use(name)
    for http in content.http_tools:
        if http.is_enabled:
            yield http_in_use(http.definition, needs_confirmation=http.needs_confirmation)
    for tool in content.client_tools:
        if tool.is_enabled:
            yield client_in_use(tool.name, tool.description, tool.parameters)
    for server in content.mcp_servers:
        yield from (_mcp_tool(tool, server) for tool in server.tools if tool.is_enabled)


def _mcp_tool(tool: McpToolContent, server: McpServerContent) -> ToolInUse:
    return mcp_in_use(
        tool.name,
        lambda: tool.definition,
        server.settings,
        prefix=server.prefix,
        needs_confirmation=tool.needs_confirmation,
    )
