"""Documents for tests, small ones built around the operation in question."""

import json
from collections.abc import Mapping
from typing import Any

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.openapi.convert import ImportedTool, convert
from apps_registry.openapi.document import Document, read_document
from apps_registry.openapi.operations import Refusal, read_operations


def document(paths: Mapping[str, Any], *, version: str = "3.1.0", url: str = "", **members: Any) -> Document:
    """A parsed document of these paths."""
    data = {
        "openapi": version,
        "info": {"title": "Prices", "version": "1"},
        "servers": [{"url": "https://api.example.com/v1"}],
        "paths": paths,
        **members,
    }
    return read_document(json.dumps(data).encode(), url)


def one(operation: Mapping[str, Any], *, method: str = "get", path: str = "/x", **members: Any) -> Document:
    """A document of one operation."""
    return document({path: {method: {"operationId": "op", **operation}}}, **members)


def imported(of: Document, *, prefix: str = "", server: str = "") -> tuple[list[ImportedTool], list[Refusal]]:
    """All operations as tools."""
    operations, unlisted = read_operations(of, prefix)
    tools, refusals = convert(of, operations, server=server)
    return tools, [*unlisted, *refusals]


def tool(of: Document) -> HttpToolDefinition:
    """The one tool that a document gives."""
    (only,), refusals = imported(of)
    assert refusals == []
    return only.definition


def refusal(of: Document) -> str:
    """Why the one operation of a document is no tool."""
    tools, (only,) = imported(of)
    assert tools == []
    return only.reason


def query(name: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


def body(schema: Mapping[str, Any], media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media: {"schema": schema, **more}}}}
