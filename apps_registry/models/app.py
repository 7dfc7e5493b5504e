"""Apps, and the alternative models that they may use."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from apps_registry.credentials.secret_hosts import parse_hosts
from apps_registry.models.document import LANGUAGES, EmbeddingModel
from apps_registry.models.provider import SLUG_PATTERN, Model, validate_slug
from apps_registry.models.tool import validate_secret_hosts

validate_origins = RegexValidator(
    r"\A(https?://[A-Za-z0-9.\-_\[\]:]+(\r?\n|\Z))*\Z", "Write one origin a line: a scheme, a host and perhaps a port."
)
validate_hosts = RegexValidator(
    r"\A(([A-Za-z0-9][A-Za-z0-9.\-_]*|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}(\r?\n|\Z))*\Z",
    "Write one host and port a line, such as api.internal:8080.",
)


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
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Of reasoning models this covers what they think. Empty: the model's own limit.",
    )
    reply_language = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"\A[^\W\d_][\w ()'-]*\Z", "Write the name of a language, such as French.")],
        help_text="The language that it answers in, such as French. Empty: the model follows the user.",
    )
    reply_wait_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(300)],
        help_text="How long a chat call waits for the reply before it answers 'processing'. Empty: 30, but not at all "
        "where the session's /api/updates is open, since such clients poll. 0: never.",
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
    keeps_reasoning = models.BooleanField(
        "keeps reasoning",
        default=False,
        db_default=False,
        help_text="What its models think before they answer, where they say it, is kept with the session and shown on "
        "the session's page, for operators only. It is never part of a reply.",
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
    only_hosts = models.TextField(
        "only these hosts",
        blank=True,
        default="",
        validators=[validate_secret_hosts],
        help_text="The public hosts that this App's tools, imports and MCP servers may call, one a line, with the port "
        "unless that is 443: api.example.com. Calls and redirects to others are refused. Empty: any public host. Holds "
        "at once, for all releases.",
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

    @property
    def private_hosts(self) -> frozenset[str]:
        """The hosts, with their ports, that may be of a private network."""
        return frozenset(self.allowed_hosts.lower().split())

    @property
    def listed_hosts(self) -> frozenset[str]:
        """The only public hosts, with their ports, that may be called; empty: any."""
        return frozenset(parse_hosts(self.only_hosts))


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
