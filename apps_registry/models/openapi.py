"""Where imported tools come from, so that a later import can tell the document's changes from the operator's."""

from typing import ClassVar

import orjson
from django.db import models

from apps_registry.http_tools.definition import HttpToolDefinition


class OpenApiSource(models.Model):
    """An OpenAPI document of one App."""

    app = models.ForeignKey(
        "apps_registry.App", verbose_name="App", on_delete=models.CASCADE, related_name="openapi_sources"
    )
    title = models.CharField(max_length=200)
    url = models.CharField("URL", max_length=2000, blank=True)
    prefix = models.CharField(max_length=40, blank=True)
    server = models.CharField(max_length=500, blank=True)
    content = models.BinaryField()  # the document, compressed by zlib
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "OpenAPI document"
        ordering: ClassVar = ["title"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["app", "title"], name="openapi_source_once_per_app"),
        ]

    def __str__(self) -> str:
        return self.title


class OpenApiTool(models.Model):
    """A tool that was imported: which operation it is, and what the document said when it was last imported."""

    tool = models.OneToOneField("apps_registry.Tool", on_delete=models.CASCADE, related_name="openapi")
    source = models.ForeignKey(OpenApiSource, on_delete=models.CASCADE, related_name="tools")
    key = models.CharField(max_length=400)
    imported = models.TextField()  # the definition as JSON text, as Tool has its own

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="openapi_tool_once_per_source"),
        ]

    def __str__(self) -> str:
        return self.key

    def imported_definition(self) -> HttpToolDefinition:
        """Return what the document said, under the tool's name of today."""
        return HttpToolDefinition.from_json(self.tool.name, orjson.loads(self.imported))

    def set_imported_definition(self, definition: HttpToolDefinition) -> None:
        """Note what the document says; the row is not saved."""
        self.imported = orjson.dumps(definition.as_json()).decode()
