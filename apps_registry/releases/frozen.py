"""What an App's live release says of its turns, in the form in which the draft's rows say it."""

import logging
from dataclasses import dataclass

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.settings import columns
from apps_registry.mcp.models import McpServer
from apps_registry.models import App, Model, Tool
from apps_registry.releases.services import content_of_release

logger = logging.getLogger("aomi.apps")

# Who may call, what leaves the server, and how the App is kept: these hold at once, for every release.
_HOLD_AT_ONCE = frozenset(
    {
        *("name", "allowed_hosts", "allowed_origins", "sessions_readable_by_id", "retention_days"),
        *("reply_wait_seconds", "makes_titles", "recalls_earlier_sessions", "document_language"),
    }
)


@dataclass(frozen=True, slots=True)
class FrozenConfig:
    """The frozen parts; tools are rows that are not saved, only those that are on."""

    models: list[Model]
    tools: list[Tool]
    document_ids: list[int]


def frozen_config(app: App) -> FrozenConfig | None:
    """Return what the live release freezes, and set the App's frozen settings, unsaved; None: it runs its draft."""
    release = app.live_release
    if release is None:
        return None
    try:
        content = content_of_release(release)
    except AppFileError as error:
        logger.error("release %d of App %s cannot be read, its draft runs: %s", release.number, app.slug, error)
        return None
    for name, value in columns(dict(content.settings)).items():
        if name not in _HOLD_AT_ONCE:
            setattr(app, name, value)
    return FrozenConfig(_models(app, content), _tools(app, content), release.document_ids)


def _models(app: App, content: AppContent) -> list[Model]:
    """Return the models by their names; one that was deleted or renamed meanwhile is left out."""
    names = [content.default_model, *content.alternative_models]
    rows = {model.name: model for model in Model.objects.filter(name__in=names).select_related("provider")}
    return [rows[name] for name in names if name in rows] or [app.default_model]


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
