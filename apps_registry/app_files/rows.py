"""Writes the content of an App to the database; runs inside the caller's transaction."""

from collections.abc import Mapping
from dataclasses import asdict

from apps_registry.app_files.content import AppContent, DocumentContent, McpServerContent, McpToolContent
from apps_registry.app_files.current import content_of
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.settings import columns
from apps_registry.models import App, AppModel, DocumentFile, EmbeddingModel, Model, Tool
from apps_registry.models.mcp import McpServer
from apps_registry.retrieval.uploads import add_upload
from apps_registry.retrieval.versions import remove


def write_rows(content: AppContent, files: Mapping[str, bytes]) -> App:
    """Create an App, or change what differs. Rows that remain keep their ids, and imported tools keep their source.

    Args:
        content: the new content of the App.
        files: contents of documents by digest; the App already has all other documents.

    Raises:
        AppFileError: a document cannot be added.
    """
    app = _write_app(content)
    before = content_of(app)
    if before.alternative_models != content.alternative_models:
        _write_alternatives(app, content)
    _delete_tools(app, content)
    _write_builtins(app, content)
    for tool in content.http_tools:
        if tool not in before.http_tools:
            row = app.tools.filter(name=tool.definition.name).first() or Tool(app=app)
            row.set_http_definition(tool.definition)
            row.is_enabled, row.needs_confirmation = tool.is_enabled, tool.needs_confirmation
            row.save()
    for tool_of_client in content.client_tools:
        if tool_of_client not in before.client_tools:
            row = app.tools.filter(name=tool_of_client.name).first() or Tool(app=app)
            row.set_client_definition(tool_of_client.name, tool_of_client.description, tool_of_client.parameters)
            row.is_enabled = tool_of_client.is_enabled
            row.save()
    for server in content.mcp_servers:
        if server not in before.mcp_servers:
            _write_server(app, server)
    if before.documents != content.documents:
        _write_documents(app, content, files)
    return app


def _write_app(content: AppContent) -> App:
    values = {
        **columns(dict(content.settings)),
        "default_model": Model.objects.get(name=content.default_model),
        "embedding_model": EmbeddingModel.objects.filter(name=content.embedding_model).first(),
    }
    app, _ = App.objects.update_or_create(slug=content.slug, defaults=values)
    return app


def _write_alternatives(app: App, content: AppContent) -> None:
    app.appmodel_set.all().delete()
    models = {model.name: model for model in Model.objects.filter(name__in=content.alternative_models)}
    for position, name in enumerate(content.alternative_models):
        AppModel.objects.create(app=app, model=models[name], position=position)


def _delete_tools(app: App, content: AppContent) -> None:
    """Delete tools that the content does not have or has with another kind; built-in tools are only switched off."""
    app.mcp_servers.exclude(slug__in=[server.prefix for server in content.mcp_servers]).delete()
    kept = {(Tool.Kind.HTTP, tool.definition.name) for tool in content.http_tools}
    kept |= {(Tool.Kind.CLIENT, tool.name) for tool in content.client_tools}
    kept |= {(Tool.Kind.MCP, tool.name) for server in content.mcp_servers for tool in server.tools}
    others = {name.lower() for _, name in kept}
    for row in app.tools.all():
        is_in_the_way = row.kind == Tool.Kind.BUILTIN and row.name.lower() in others
        is_gone = row.kind != Tool.Kind.BUILTIN and (row.kind, row.name) not in kept
        if is_in_the_way or is_gone:
            row.delete()


def _write_builtins(app: App, content: AppContent) -> None:
    rows = {row.name: row for row in app.tools.filter(kind=Tool.Kind.BUILTIN)}
    for name in content.builtin_tools:
        if name not in rows:
            Tool.objects.create(app=app, kind=Tool.Kind.BUILTIN, name=name)
    for name, row in rows.items():
        if row.is_enabled != (name in content.builtin_tools):
            row.is_enabled = not row.is_enabled
            row.save(update_fields=["is_enabled"])


def _write_server(app: App, content: McpServerContent) -> None:
    settings = asdict(content.settings)
    server, _ = McpServer.objects.update_or_create(app=app, slug=content.prefix, defaults=settings)
    for tool in content.tools:
        _write_mcp_tool(app, server, tool)


def _write_mcp_tool(app: App, server: McpServer, tool: McpToolContent) -> None:
    row = app.tools.filter(name=tool.name).first() or Tool(app=app, name=tool.name)
    row.kind, row.mcp_server = Tool.Kind.MCP, server
    row.is_enabled, row.needs_confirmation = tool.is_enabled, tool.needs_confirmation
    row.definition = tool.definition.as_text()
    row.save()


def _write_documents(app: App, content: AppContent, files: Mapping[str, bytes]) -> None:
    stored = {row.content_hash: row for row in app.documents.all()}
    brought = dict(files)
    for document in content.documents:
        if document.sha256 not in brought and stored[document.sha256].name != document.name:
            # The App has the same content under another name.
            file = DocumentFile.objects.get(document=stored[document.sha256], document__app=app)
            brought[document.sha256] = bytes(file.data)
    remove(app.documents.exclude(name__in=[document.name for document in content.documents]))
    for document in content.documents:
        _write_document(app, document, brought)


def _write_document(app: App, document: DocumentContent, files: Mapping[str, bytes]) -> None:
    row = app.documents.filter(name=document.name, content_hash=document.sha256).first()
    if row is None:
        (outcome,) = add_upload(app, name=document.name, data=files[document.sha256], tags=document.tags)
        if outcome.document is None or outcome.document.name != document.name:
            raise AppFileError(f"documents: {document.name}: {outcome.note}")
        row = outcome.document
    if row.tags != list(document.tags):
        row.tags = list(document.tags)
        row.save(update_fields=["tags"])
