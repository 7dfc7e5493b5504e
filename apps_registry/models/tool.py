"""Tools of an App, the secrets that they send, and the log of their requests."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now

from apps_registry.credentials.encryption import decrypt, encrypt
from apps_registry.credentials.secret_box import secret_binding
from apps_registry.credentials.secret_hosts import parse_hosts
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.support.http.statuses import named_status

TOOL_NAME_PATTERN = r"^[a-zA-Z0-9_-]{1,64}\Z"  # the names that OpenAI-compatible APIs accept


class Tool(models.Model):
    """A function that an App's model may call."""

    class Kind(models.TextChoices):
        """How a tool is implemented."""

        BUILTIN = "builtin", "Built-in"
        HTTP = "http", "HTTP"
        MCP = "mcp", "MCP"
        CLIENT = "client", "Client"

    app = models.ForeignKey("apps_registry.App", verbose_name="App", on_delete=models.CASCADE, related_name="tools")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.BUILTIN)
    name = models.CharField(
        max_length=64,
        validators=[RegexValidator(TOOL_NAME_PATTERN, "Use up to 64 letters, digits, hyphens and underscores.")],
    )
    is_enabled = models.BooleanField("enabled", default=True)
    needs_confirmation = models.BooleanField(
        default=False,
        help_text="The user must approve each call; the turn waits for the answer.",
    )
    # The definition as JSON text, which keeps the order of keys; empty for built-in tools.
    definition = models.TextField(blank=True, default="")
    mcp_server = models.ForeignKey(
        "apps_registry.McpServer", on_delete=models.CASCADE, null=True, editable=False, related_name="tools"
    )

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "app",
                Lower("name"),
                name="tool_name_once_per_app",
                violation_error_message="This App already has a tool with this name, built-in or not.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def http_definition(self) -> HttpToolDefinition:
        """Return the definition of an HTTP tool.

        Raises:
            TypeError, ValueError: the stored definition is invalid.
        """
        return HttpToolDefinition.from_json(self.name, orjson.loads(self.definition))

    def client_definition(self) -> tuple[str, dict[str, Any]]:
        """Return the description and the parameters of a tool that runs at the client.

        Raises:
            TypeError, ValueError, KeyError: the stored definition is invalid.
        """
        stored = orjson.loads(self.definition)
        return str(stored["description"]), dict(stored["parameters"])

    def set_client_definition(self, name: str, description: str, parameters: Mapping[str, Any]) -> None:
        """Set kind, name and definition of a tool that runs at the client; the row is not saved."""
        self.kind, self.name = self.Kind.CLIENT, name
        self.definition = orjson.dumps({"description": description, "parameters": parameters}).decode()

    @property
    def request_line(self) -> str:
        """Method and URL of an HTTP tool, for the admin."""
        try:
            definition = self.http_definition()
        except (TypeError, ValueError):
            return "cannot be read"
        return f"{definition.method} {definition.url}"

    def set_http_definition(self, definition: HttpToolDefinition) -> None:
        """Set kind, name and definition of an HTTP tool; the row is not saved."""
        self.kind, self.name = self.Kind.HTTP, definition.name
        self.definition = orjson.dumps(definition.as_json()).decode()


def validate_secret_hosts(text: str) -> None:
    """Refuse text that is not a list of hosts."""
    try:
        parse_hosts(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Secret(models.Model):
    """A value that the tools of one App send; it is never shown again."""

    app = models.ForeignKey("apps_registry.App", on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(
        max_length=64,
        validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*\Z", "Use capital letters, digits and underscores.")],
    )
    token = models.TextField()
    hosts = models.TextField(
        blank=True,
        default="",
        validators=[validate_secret_hosts],
        help_text="Hosts that tools may send it to, one per line, with the port unless it is 443: api.example.com, or "
        "127.0.0.1:9000.",
    )
    updated_at = models.DateTimeField("last set", auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["app", "name"], name="secret_name_once_per_app")]

    def __str__(self) -> str:
        return self.name

    @property
    def binding(self) -> str:
        return secret_binding(self.app_id, self.name)

    @property
    def bound_hosts(self) -> frozenset[str]:
        """The hosts, with their ports, that it may be sent to."""
        return frozenset(parse_hosts(self.hosts))

    def set_value(self, value: str) -> None:
        """Encrypt a new value; the App and the name must be set, the row is not saved.

        Raises:
            apps_registry.credentials.encryption.NoKeys: SECRETS_KEYS is empty.
        """
        self.token = encrypt(value, binding=self.binding, keys=settings.SECRETS_KEYS)

    def reencrypt(self) -> None:
        """Encrypt the value again with the first of SECRETS_KEYS.

        Raises:
            apps_registry.credentials.encryption.Unreadable: none of them can decrypt it.
        """
        self.set_value(decrypt(self.token, binding=self.binding, keys=settings.SECRETS_KEYS))


class OutboundCall(models.Model):
    """One request of a tool to another server, sent or refused; written by `outbound_log`."""

    # Rows stay for their month even if the App is deleted. NULL is never stored; null=True makes Django use outer
    # joins.
    app = models.ForeignKey(
        "apps_registry.App",
        verbose_name="App",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="outbound_calls",
    )
    # No foreign key: turns belong to a higher layer, which deletes them independently. None: an operator's trial.
    turn_id = models.UUIDField("turn", db_index=True, null=True)
    # The request that began the turn or was the trial; None: an earlier version recorded the call.
    request_id = models.UUIDField("request id", null=True)
    tool = models.CharField(max_length=64)
    method = models.CharField(max_length=10)
    host = models.CharField(max_length=300)
    address = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField("time (ms)")
    received_bytes = models.PositiveBigIntegerField("bytes")
    verdict = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        verbose_name = "outbound call"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["request_id"], condition=models.Q(request_id__isnull=False), name="outbound_of_request"
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.host}"

    # The same rule as `has_failed`, for queries.
    FAILED = models.Q(status__gte=400) | ~models.Q(verdict__in=("answered", "cancelled"))

    @property
    def has_failed(self) -> bool:
        """Whether the call was refused or got no answer, or its answer reports an error; not if it was cancelled."""
        return self.verdict not in {"answered", "cancelled"} or (self.status or 0) >= 400

    @property
    def outcome(self) -> str:
        """How the call ended: "answered: 200", "failed: 404 Not Found", or the verdict if there was no answer."""
        if self.status is None or self.verdict != "answered":
            return self.verdict
        return f"{'failed' if self.has_failed else 'answered'}: {named_status(self.status)}"
