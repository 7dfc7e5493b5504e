"""OpenAPI documents for tests, built around the operation under test."""

import json
from collections.abc import Mapping
from typing import Any

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.openapi.convert import ImportedTool, convert
from apps_registry.openapi.document import OpenApiDocument, read_document
from apps_registry.openapi.operations import Refusal, read_operations
from tests import factories


def document(paths: Mapping[str, Any], *, version: str = "3.1.0", url: str = "", **members: Any) -> OpenApiDocument:
    """Return a parsed document with these paths."""
    data = {
        "openapi": version,
        "info": {"title": "Prices", "version": "1"},
        "servers": [{"url": "https://api.example.com/v1"}],
        "paths": paths,
        **members,
    }
    return read_document(json.dumps(data).encode(), url)


def one(operation: Mapping[str, Any], *, method: str = "get", path: str = "/x", **members: Any) -> OpenApiDocument:
    """Return a document with one operation."""
    return document({path: {method: {"operationId": "op", **operation}}}, **members)


def imported(
    parsed: OpenApiDocument, *, prefix: str = "", server: str = ""
) -> tuple[list[ImportedTool], list[Refusal]]:
    """Import all operations as tools."""
    operations, unlisted = read_operations(parsed, prefix)
    tools, refusals = convert(parsed, operations, server=server)
    return tools, [*unlisted, *refusals]


def tool(parsed: OpenApiDocument) -> HttpToolDefinition:
    """Return the only tool of a document."""
    (only,), refusals = imported(parsed)
    assert refusals == []
    return only.definition


def refusal(parsed: OpenApiDocument) -> str:
    """Return why the only operation of a document cannot be a tool."""
    tools, (only,) = imported(parsed)
    assert tools == []
    return only.reason


def query(name: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


def body(schema: Mapping[str, Any], media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media: {"schema": schema, **more}}}}


def price_api(server: str) -> dict[str, Any]:
    """Return the document of an API that the upstream server implements."""
    symbol = {"name": "symbol", "in": "path", "required": True, "schema": {"type": "string"}}
    order = {
        "type": "object",
        "required": ["amount"],
        "properties": {
            "amount": {"type": "number"},
            "note": {"type": "string"},
            "legs": {"type": "array", "items": {}},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": factories.unique("Price API"), "version": "1"},
        "servers": [{"url": server}],
        "security": [{"basic": []}],
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
        "paths": {
            "/prices/{symbol}": {
                "parameters": [symbol],
                "get": {
                    "operationId": "getPrice",
                    "tags": ["prices"],
                    "summary": "Price of a token",
                    "parameters": [
                        {"name": "in", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
                    ],
                },
            },
            "/orders": {
                "post": {
                    "operationId": "placeOrder",
                    "tags": ["orders"],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": order}}},
                },
                "get": {"operationId": "listOrders", "tags": ["orders"]},
            },
            "/upload": {"post": {"requestBody": {"content": {"multipart/form-data": {"schema": {}}}}}},
        },
    }
