"""MCP servers of Apps; the tools that an App uses of them are rows of Tool."""

from dataclasses import fields
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from apps_registry.http_tools.checks import find_problems
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.templates import placeholders
from apps_registry.support.origins import host_of
from apps_registry.values import McpServerSettings


class McpServer(models.Model):
    """A remote server whose tools an App may use."""

    app = models.ForeignKey(
        "apps_registry.App", verbose_name="App", on_delete=models.CASCADE, related_name="mcp_servers"
    )
    slug = models.CharField(
        "prefix",
        max_length=30,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z", "Use lower-case letters, digits and hyphens.")],
        help_text="Put before the names of its tools, with an underscore: files gives files_read.",
    )
    url = models.CharField(
        "URL", max_length=500, help_text="Of its streamable HTTP endpoint, such as https://mcp.example.com/mcp."
    )
    headers = models.JSONField(default=dict, blank=True)  # name -> template
    timeout_seconds = models.FloatField(
        "time limit (s)", default=20, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    max_result_chars = models.PositiveIntegerField(
        "characters at most",
        default=8000,
        validators=[MinValueValidator(100), MaxValueValidator(32_000)],
        help_text="What goes beyond is cut off, with a note.",
    )
    keeps_session = models.BooleanField(
        "one session per conversation",
        default=False,
        help_text="For servers that keep state, such as a browser: the next turn goes on where the last one was. Each "
        "worker keeps up to 100 such sessions, each for 10 minutes after its last call; a conversation that comes back "
        "later, or goes on with another worker, begins a new one. Otherwise a session ends with its turn.",
    )
    # What the server says of its tools' use, as the operator accepted it, and as it said it when it was last asked.
    instructions = models.TextField(blank=True, default="", editable=False)
    offered_instructions = models.TextField(blank=True, default="", editable=False)
    left_out = models.JSONField(default=list, blank=True, editable=False)  # names of unusable tools, and why
    offered = models.JSONField(default=list, blank=True, editable=False)  # what it said when it was last asked
    refreshed_at = models.DateTimeField("last asked", null=True, editable=False)

    class Meta:
        verbose_name = "MCP server"
        ordering: ClassVar = ["slug"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["app", "slug"], name="mcp_server_once_per_app"),
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Check URL and headers as those of an HTTP tool are; only secrets may be filled in."""
        super().clean()
        request = HttpToolDefinition("mcp", "MCP", {"type": "object"}, "GET", self.url, headers=self.headers)
        for problem in find_problems(request):
            raise ValidationError({problem.attribute: problem.message})
        if "{{" in self.url:
            raise ValidationError({"url": "The address of a server is fixed text."})
        if any(namespace != "secrets" for namespace, _ in placeholders(self.headers)):
            raise ValidationError({"headers": "Only secrets can be filled in: {{ secrets.NAME }}."})

    @property
    def host(self) -> str:
        """Host and port of its endpoint."""
        return host_of(self.url)

    @property
    def settings(self) -> McpServerSettings:
        """How it is called."""
        return McpServerSettings(**{each.name: getattr(self, each.name) for each in fields(McpServerSettings)})

    def secrets_used(self) -> set[str]:
        """Return the names of the secrets that its headers send."""
        return {name for namespace, name in placeholders(self.headers) if namespace == "secrets"}
