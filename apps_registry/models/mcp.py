"""MCP servers of Apps; the tools of a server that an App uses are rows of Tool."""

from dataclasses import fields
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from apps_registry.http_tools.checks import find_problems
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.templates import placeholders
from apps_registry.support.http.origins import host_of
from apps_registry.values import McpServerSettings


class McpServer(models.Model):
    """A remote MCP server whose tools an App may use."""

    app = models.ForeignKey(
        "apps_registry.App", verbose_name="App", on_delete=models.CASCADE, related_name="mcp_servers"
    )
    slug = models.CharField(
        "prefix",
        max_length=30,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z", "Use lower-case letters, digits and hyphens.")],
        help_text="Prefix of the names of its tools: with the prefix files, the tool read becomes files_read.",
    )
    url = models.CharField(
        "URL", max_length=500, help_text="Address of its streamable HTTP endpoint, such as https://mcp.example.com/mcp."
    )
    headers = models.JSONField(default=dict, blank=True)  # name -> template
    timeout_seconds = models.FloatField(
        "time limit (s)", default=20, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    max_result_chars = models.PositiveIntegerField(
        "maximum characters",
        default=8000,
        validators=[MinValueValidator(100), MaxValueValidator(32_000)],
        help_text="A longer result is cut off, with a note.",
    )
    keeps_session = models.BooleanField(
        "one session per conversation",
        default=False,
        help_text="For servers that keep state, such as a browser: the next turn continues where the last one ended. "
        "Each worker keeps up to 100 such sessions, each for 10 minutes after its last call. A conversation that "
        "continues later or on another worker starts a new session. Otherwise a session ends with its turn.",
    )
    # The server's instructions for its tools: as the operator accepted them, and from the last refresh.
    instructions = models.TextField(blank=True, default="", editable=False)
    offered_instructions = models.TextField(blank=True, default="", editable=False)
    left_out = models.JSONField(default=list, blank=True, editable=False)  # names of unusable tools, and why
    offered = models.JSONField(default=list, blank=True, editable=False)  # its tools at the last refresh
    refreshed_at = models.DateTimeField("last refreshed", null=True, editable=False)

    class Meta:
        verbose_name = "MCP server"
        ordering: ClassVar = ["slug"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["app", "slug"], name="mcp_server_once_per_app"),
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Check URL and headers like those of an HTTP tool; only secrets may be placeholders."""
        super().clean()
        request = HttpToolDefinition("mcp", "MCP", {"type": "object"}, "GET", self.url, headers=self.headers)
        for problem in find_problems(request):
            raise ValidationError({problem.attribute: problem.message})
        if "{{" in self.url:
            raise ValidationError({"url": "The address of a server cannot contain placeholders."})
        if any(namespace != "secrets" for namespace, _ in placeholders(self.headers)):
            raise ValidationError({"headers": "Only secrets can be placeholders here: {{ secrets.NAME }}."})

    @property
    def host(self) -> str:
        """Host and port of the endpoint."""
        return host_of(self.url)

    @property
    def settings(self) -> McpServerSettings:
        """How it is called."""
        return McpServerSettings(**{field.name: getattr(self, field.name) for field in fields(McpServerSettings)})

    def secrets_used(self) -> set[str]:
        """Return the names of the secrets in its headers."""
        return {name for namespace, name in placeholders(self.headers) if namespace == "secrets"}
