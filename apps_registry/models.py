"""What an assistant is made of: Apps, the models that they may use, their tools and documents."""

from typing import ClassVar

import orjson
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps_registry.document_models import (
    LANGUAGES,
    ChunkWord,
    Document,
    DocumentChunk,
    DocumentFile,
    EmbeddingModel,
)
from apps_registry.encryption import decrypt, encrypt
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.provider_models import SLUG_PATTERN, Model, Provider, validate_slug
from apps_registry.secret_box import secret_place

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
    "Tool",
]

validate_origins = RegexValidator(
    r"\A(https?://[A-Za-z0-9.\-_\[\]:]+(\r?\n|\Z))*\Z", "Write one origin a line: a scheme, a host and perhaps a port."
)
validate_hosts = RegexValidator(
    r"\A(([A-Za-z0-9][A-Za-z0-9.\-_]*|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}(\r?\n|\Z))*\Z",
    "Write one host and port a line, such as api.internal:8080.",
)
TOOL_NAME_PATTERN = r"^[a-zA-Z0-9_-]{1,64}\Z"  # what OpenAI-compatible APIs take


class App(models.Model):
    """A self-contained AI assistant; nothing of one App is visible to another."""

    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[validate_slug],
        help_text="What callers put into app=; lower-case letters, digits and hyphens.",
    )
    name = models.CharField(max_length=100, help_text="What operators call it.")
    is_default = models.BooleanField(
        "default App", default=False, help_text="The one App that callers may use without a key."
    )
    is_active = models.BooleanField("active", default=True, help_text="Off: every call to this App is refused.")
    preamble = models.TextField(blank=True, help_text="The system prompt: personality and rules.")
    default_model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="default_of")
    alternatives = models.ManyToManyField(Model, through="AppModel", related_name="alternative_of", blank=True)
    temperature = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(2)],
        help_text="0 to 2; empty: the model's own default.",
    )
    top_p = models.FloatField(
        "top p",
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="0 to 1; empty: the model's own default.",
    )
    max_reply_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: the model's own limit."
    )
    reply_language = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"\A[^\W\d_][\w ()'-]*\Z", "Write the name of a language, such as French.")],
        help_text="The language that it answers in, such as French. Empty: the model follows the user.",
    )
    reply_wait_seconds = models.PositiveIntegerField(
        default=30,
        validators=[MaxValueValidator(300)],
        help_text="How long a chat call waits for the reply before it answers 'processing'; 0 suits widgets that poll.",
    )
    max_tool_rounds = models.PositiveIntegerField(
        default=8,
        validators=[MaxValueValidator(50)],
        help_text="How often the model may call tools within one turn before it must answer.",
    )
    history_budget_tokens = models.PositiveIntegerField(
        default=16_000,
        help_text="Tokens of earlier turns given to the model, newest first and whole turns only.",
    )
    summarises_history = models.BooleanField(
        "summarises long conversations",
        default=True,
        help_text="Turns that no longer fit are summarised by the model, in the background; otherwise it is no longer "
        "told of them.",
    )
    sessions_readable_by_id = models.BooleanField(
        "sessions are readable by id alone",
        default=False,
        help_text="Lets browsers without a key read and manage sessions whose id they hold. Chat still needs the key.",
    )
    makes_titles = models.BooleanField(
        "makes titles",
        default=True,
        help_text="After a session's first reply the model is asked for a title; otherwise it is the first words.",
    )
    recalls_earlier_sessions = models.BooleanField(
        "recalls a wallet's earlier sessions",
        default=False,
        help_text="The model is told briefly what the same wallet's earlier sessions with this App were about: where "
        "the wallet is proven to be the user's, and wherever the caller has a key for this App.",
    )
    sessions_keep_release = models.BooleanField(
        "sessions keep their release",
        default=False,
        help_text="A session goes on with the release that it began with when another is published; a release that is "
        "rolled back ends for all. Otherwise every session follows the live release. Holds at once.",
    )
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Sessions untouched for so many days are removed for good. Empty: they are kept.",
    )
    document_language = models.CharField(
        max_length=20,
        choices=[(name, name) for name in LANGUAGES],
        default="english",
        help_text="The language of its documents: search then knows word forms. 'simple' suits any.",
    )
    embedding_model = models.ForeignKey(
        EmbeddingModel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="apps",
        help_text="Finds passages of its documents by meaning, beside the words. Empty: by words only. The embedded "
        "one is downloaded once (84 MB) when it is first needed.",
    )
    allowed_origins = models.TextField(
        blank=True,
        validators=[validate_origins],
        help_text="Websites whose scripts may call the API, one a line, such as https://www.example.com.",
    )
    allowed_hosts = models.TextField(
        blank=True,
        validators=[validate_hosts],
        help_text="Hosts of a private network that this App's tools may call, one a line, each with its port, such as "
        "127.0.0.1:9000. Public hosts need not be named.",
    )
    # What callers meet; empty: the draft, which is this row with what belongs to it.
    live_release = models.ForeignKey(
        "apps_registry.AppRelease", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "App"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(slug__regex=SLUG_PATTERN), name="app_slug_is_plain"),
            models.UniqueConstraint("is_default", condition=Q(is_default=True), name="app_only_one_default"),
            models.CheckConstraint(condition=Q(is_active=True) | Q(is_default=False), name="app_default_is_active"),
        ]

    def __str__(self) -> str:
        return self.slug


class AppModel(models.Model):
    """An alternative model of an App, in the order in which they are offered."""

    app = models.ForeignKey(App, on_delete=models.CASCADE)
    model = models.ForeignKey(Model, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "alternative model"
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["app", "model"], name="app_model_once"),
        ]

    def __str__(self) -> str:
        return str(self.model)


class Tool(models.Model):
    """A function that an App's model may call."""

    class Kind(models.TextChoices):
        """Where a tool's code lives."""

        BUILTIN = "builtin", "Built-in"
        HTTP = "http", "HTTP"
        MCP = "mcp", "MCP"

    app = models.ForeignKey(App, verbose_name="App", on_delete=models.CASCADE, related_name="tools")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.BUILTIN)
    name = models.CharField(
        max_length=64,
        validators=[RegexValidator(TOOL_NAME_PATTERN, "Use up to 64 letters, digits, hyphens and underscores.")],
    )
    is_enabled = models.BooleanField("enabled", default=True)
    needs_confirmation = models.BooleanField(
        default=False,
        help_text="The user is asked before each call, and the turn waits for the answer.",
    )
    # The definition of an HTTP or MCP tool as JSON text, which keeps its order; a built-in tool has its code.
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
                violation_error_message="This App already has a tool of this name, built-in or not.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def http_definition(self) -> HttpToolDefinition:
        """Return what an HTTP tool is.

        Raises:
            TypeError, ValueError: what is stored is no definition.
        """
        return HttpToolDefinition.from_json(self.name, orjson.loads(self.definition))

    @property
    def request_line(self) -> str:
        """An HTTP tool's method and URL, for people."""
        try:
            definition = self.http_definition()
        except (TypeError, ValueError):
            return "cannot be read"
        return f"{definition.method} {definition.url}"

    def set_http_definition(self, definition: HttpToolDefinition) -> None:
        """Make it this HTTP tool; the row is not saved."""
        self.kind, self.name = self.Kind.HTTP, definition.name
        self.definition = orjson.dumps(definition.as_json()).decode()


class Secret(models.Model):
    """A value that the tools of one App send and nobody sees again."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(
        max_length=64,
        validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*\Z", "Use capital letters, digits and underscores.")],
    )
    token = models.TextField()
    updated_at = models.DateTimeField("last set", auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["app", "name"], name="secret_name_once_per_app")]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> str:
        """What its token is bound to."""
        return secret_place(self.app_id, self.name)

    def set_value(self, value: str) -> None:
        """Encrypt a new value; the App and the name must be set, the row is not saved.

        Raises:
            apps_registry.encryption.NoKeys: SECRETS_KEYS is empty.
        """
        self.token = encrypt(value, place=self.place, keys=settings.SECRETS_KEYS)

    def reencrypt(self) -> None:
        """Encrypt the value anew, under the first key.

        Raises:
            apps_registry.encryption.Unreadable: no key opens it.
        """
        self.set_value(decrypt(self.token, place=self.place, keys=settings.SECRETS_KEYS))


class OutboundCall(models.Model):
    """One request that a tool sent to another server, or was refused; written by `outbound_calls`."""

    app = models.ForeignKey(App, verbose_name="App", on_delete=models.CASCADE, related_name="outbound_calls")
    # Without a constraint: turns belong to a layer above, and go without asking this one.
    turn_id = models.UUIDField("turn", db_index=True)
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

    def __str__(self) -> str:
        return f"{self.method} {self.host}"


class RegistryRevision(models.Model):
    """One row whose number grows with every change of the tables above (by database triggers).

    Workers keep App configurations in memory for as long as this number stands still.
    """

    number = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="registry_revision_one_row")]

    def __str__(self) -> str:
        return str(self.number)


# The models of a part of the registry live with that part; Django finds them by this module.
from apps_registry.mcp.models import McpServer  # noqa: E402
from apps_registry.openapi.models import OpenApiSource, OpenApiTool  # noqa: E402
from apps_registry.releases.models import AppRelease  # noqa: E402
