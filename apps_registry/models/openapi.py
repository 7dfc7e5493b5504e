"""The source of imported tools, so that a later import can distinguish changes in the document from the operator's."""

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
    """An imported tool: its operation, and its definition in the document at the last import."""

    tool = models.OneToOneField("apps_registry.Tool", on_delete=models.CASCADE, related_name="openapi")
    source = models.ForeignKey(OpenApiSource, on_delete=models.CASCADE, related_name="tools")
    key = models.CharField(max_length=400)
    imported = models.TextField()  # the definition as JSON text, in the form of Tool.definition

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="openapi_tool_once_per_source"),
        ]

    def __str__(self) -> str:
        return self.key

    def imported_definition(self) -> HttpToolDefinition:
        """Return the definition of the last import with the current name of the tool."""
        return HttpToolDefinition.from_json(self.tool.name, orjson.loads(self.imported))

    def set_imported_definition(self, definition: HttpToolDefinition) -> None:
        """Set the definition of the document; the row is not saved."""
        self.imported = orjson.dumps(definition.as_json()).decode()
