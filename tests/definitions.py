"""HTTP tool definitions for tests that need no database row."""

from typing import Any

from apps_registry.http_tools.definition import HttpToolDefinition


def make_definition(url: str, **overrides: Any) -> HttpToolDefinition:
    """Return an HTTP tool that takes one optional text."""
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    fields = {"name": "fetch", "description": "Fetches something.", "parameters": schema, "method": "GET", **overrides}
    return HttpToolDefinition(url=url, **fields)
