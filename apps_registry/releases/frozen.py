"""What a release says of an App's turns, in the form in which the draft's rows say it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.settings import columns
from apps_registry.models import App, AppRelease, Document, Model, Tool
from apps_registry.models.mcp import McpServer
from apps_registry.releases.content import HOLD_AT_ONCE, content_of_release, models_of

logger = logging.getLogger("aomi.apps")


@dataclass(frozen=True, slots=True)
class FrozenConfig:
    """The frozen parts.

    Attributes:
        tools: rows that are not saved, only those that are on.
        documents: ids with tags.
        problem: why there is nothing of all this, as a sentence for callers.
    """

    models: list[Model]
    tools: list[Tool]
    documents: dict[int, Sequence[str]]
    problem: str = ""


def frozen_config(app: App, release: AppRelease) -> FrozenConfig:
    """Return what a release freezes, and set the App's frozen settings, unsaved.

    One that cannot be run has nothing: the draft was never published, so better no answer than one of it.
    """
    try:
        content = content_of_release(release)
        models = models_of(content)
    except AppFileError as error:
        logger.error("release %d of App %s cannot be run: %s", release.number, app.slug, error)
        app.preamble = ""
        problem = f"Release {release.number} of the App {app.slug} cannot be run by this server; its operator sees why."
        return FrozenConfig([], [], {}, problem)
    for name, value in columns(dict(content.settings)).items():
        if name not in HOLD_AT_ONCE:
            setattr(app, name, value)
    return FrozenConfig(models, _tools(app, content), _documents(release, content))


def _documents(release: AppRelease, content: AppContent) -> dict[int, Sequence[str]]:
    """Return the documents by their ids, with the tags that they were published with."""
    tags = {document.name: document.tags for document in content.documents}
    rows = Document.versions.filter(app=release.app_id, pk__in=release.document_ids).values_list("pk", "name")
    return {id_: tags.get(name, ()) for id_, name in rows}


def _tools(app: App, content: AppContent) -> list[Tool]:
    tools = [Tool(app=app, kind=Tool.Kind.BUILTIN, name=name) for name in content.builtin_tools]
    for http in content.http_tools:
        if http.is_enabled:
            row = Tool(app=app, needs_confirmation=http.needs_confirmation)
            row.set_http_definition(http.definition)
            tools.append(row)
    for each in content.mcp_servers:
        server = McpServer(
            app=app,
            slug=each.prefix,
            url=each.url,
            headers=dict(each.headers),
            timeout_seconds=each.timeout_seconds,
            max_result_chars=each.max_result_chars,
            keeps_session=each.keeps_session,
            instructions=each.instructions,
        )
        chosen = [tool for tool in each.tools if tool.is_enabled]
        tools += [
            Tool(
                app=app,
                kind=Tool.Kind.MCP,
                name=tool.name,
                mcp_server=server,
                definition=tool.definition.as_text(),
                needs_confirmation=tool.needs_confirmation,
            )
            for tool in chosen
        ]
    return tools
