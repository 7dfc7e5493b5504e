"""The database models: Apps, language models and their providers, tools, documents and releases."""

from apps_registry.models.app import App, AppModel
from apps_registry.models.bookkeeping import RegistryRevision, StoreProbe
from apps_registry.models.document import ChunkWord, Document, DocumentChunk, DocumentFile, EmbeddingModel
from apps_registry.models.mcp import McpServer
from apps_registry.models.openapi import OpenApiSource, OpenApiTool
from apps_registry.models.provider import Model, Provider
from apps_registry.models.release import AppRelease
from apps_registry.models.tool import OutboundCall, Secret, Tool

__all__ = [
    "App",
    "AppModel",
    "AppRelease",
    "ChunkWord",
    "Document",
    "DocumentChunk",
    "DocumentFile",
    "EmbeddingModel",
    "McpServer",
    "Model",
    "OpenApiSource",
    "OpenApiTool",
    "OutboundCall",
    "Provider",
    "RegistryRevision",
    "Secret",
    "StoreProbe",
    "Tool",
]
