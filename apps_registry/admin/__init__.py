"""The admin pages of this app; importing the package registers them."""

from apps_registry.admin.app import AppAdmin
from apps_registry.admin.documents.document import DocumentAdmin
from apps_registry.admin.embedding_model import EmbeddingModelAdmin
from apps_registry.admin.mcp_server import McpServerAdmin
from apps_registry.admin.model import ModelAdmin
from apps_registry.admin.provider import ProviderAdmin
from apps_registry.admin.tool import OutboundCallAdmin, ToolAdmin

__all__ = [
    "AppAdmin",
    "DocumentAdmin",
    "EmbeddingModelAdmin",
    "McpServerAdmin",
    "ModelAdmin",
    "OutboundCallAdmin",
    "ProviderAdmin",
    "ToolAdmin",
]
