"""Reads the content of an App from the database."""

from apps_registry.app_files.content import (
    AppContent,
    ClientToolContent,
    DocumentContent,
    HttpToolContent,
    McpServerContent,
    McpToolContent,
)
from apps_registry.app_files.settings import settings_of
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App, Tool
from apps_registry.models.mcp import McpServer


def content_of(app: App) -> AppContent:
    """Return the content of an App.

    Raises:
        TypeError, ValueError: the stored definition of a tool cannot be read.
    """
    tools = list(app.tools.all())
    builtins = [tool.name for tool in tools if tool.kind == Tool.Kind.BUILTIN and tool.is_enabled]
    http = [
        HttpToolContent(tool.http_definition(), tool.is_enabled, tool.needs_confirmation)
        for tool in tools
        if tool.kind == Tool.Kind.HTTP
    ]
    content = AppContent(
        slug=app.slug,
        settings=settings_of(app),
        default_model=app.default_model.name,
        alternative_models=tuple(app.appmodel_set.values_list("model__name", flat=True)),
        embedding_model=app.embedding_model.name if app.embedding_model else "",
        builtin_tools=tuple(builtins),
        http_tools=tuple(http),
        client_tools=tuple(
            ClientToolContent(tool.name, *tool.client_definition(), tool.is_enabled)
            for tool in tools
            if tool.kind == Tool.Kind.CLIENT
        ),
        mcp_servers=tuple(_server(server, tools) for server in app.mcp_servers.all()),
        documents=tuple(
            DocumentContent(name, digest, tuple(tags))
            for name, digest, tags in app.documents.values_list("name", "content_hash", "tags")
        ),
    )
    return content.normalized()


def _server(server: McpServer, tools: list[Tool]) -> McpServerContent:
    chosen = tuple(
        McpToolContent(
            tool.name, McpToolDefinition.from_text(tool.definition), tool.is_enabled, tool.needs_confirmation
        )
        for tool in tools
        if tool.mcp_server_id == server.pk
    )
    return McpServerContent(server.slug, server.settings, chosen)
