"""Apps, and the alternative models that they may use."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from apps_registry.credentials.secret_hosts import parse_hosts
from apps_registry.models.document import DETECTED, LANGUAGES, EmbeddingModel
from apps_registry.models.provider import SLUG_PATTERN, Model, validate_slug
from apps_registry.models.source_limits import validate_networks
from apps_registry.models.tool import validate_secret_hosts

validate_origins = RegexValidator(
    r"\A(https?://[A-Za-z0-9.\-_\[\]:]+(\r?\n|\Z))*\Z",
    "Write one origin per line: a scheme, a host and an optional port.",
)
validate_hosts = RegexValidator(
    r"\A(([A-Za-z0-9][A-Za-z0-9.\-_]*|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}(\r?\n|\Z))*\Z",
    "Write one host with its port per line, such as api.internal:8080.",
)


class App(models.Model):
    """An AI assistant; the data of one App is invisible to all others."""

    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[validate_slug],
        help_text="The value that callers send as app=. Lower-case letters, digits and hyphens.",
    )
    name = models.CharField(max_length=100, help_text="The name that operators see.")
    description = models.TextField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="What it is for, in a sentence or two. Programs that may ask several Apps, such as MCP clients, "
        "choose by it. The App's own model does not get it.",
    )
    is_default = models.BooleanField(
        "default App", default=False, help_text="The only App that callers may use without a key."
    )
    is_active = models.BooleanField("active", default=True, help_text="Turn off to refuse every call to this App.")
    preamble = models.TextField(
        blank=True, help_text="The system prompt: the personality and the rules of the assistant."
    )
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
        help_text="Maximum number of tokens of a reply, including the reasoning of reasoning models. Empty: the "
        "model's own limit.",
    )
    reply_language = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"\A[^\W\d_][\w ()'-]*\Z", "Write the name of a language, such as French.")],
        help_text="The language of the replies, such as French. Empty: the model follows the user.",
    )
    reply_wait_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(300)],
        help_text="How long a chat call waits for the reply before it answers 'processing'. Empty: 30 seconds, or no "
        "wait while the session's /api/updates is open, since such clients poll. 0: never wait.",
    )
    max_tool_rounds = models.PositiveIntegerField(
        default=8,
        validators=[MaxValueValidator(50)],
        help_text="Maximum number of rounds of tool calls in one turn before the model must answer.",
    )
    history_budget_tokens = models.PositiveIntegerField(
        default=16_000,
        help_text="Maximum number of tokens of earlier turns that the model gets: whole turns only, newest first.",
    )
    summarises_history = models.BooleanField(
        "summarises long conversations",
        default=True,
        help_text="The model summarises turns that no longer fit, in the background. Otherwise these turns are left "
        "out.",
    )
    sessions_readable_by_id = models.BooleanField(
        "sessions are readable by id alone",
        default=False,
        help_text="Lets callers without a key, such as browsers, read and manage sessions whose id they know, and "
        "report what the session's wallet did. Chat, confirmations and results of client tools still need the key.",
    )
    callers_may_instruct = models.BooleanField(
        "callers may add instructions",
        default=False,
        db_default=False,
        help_text="System and developer messages of OpenAI clients follow this App's instructions. Otherwise they are "
        "ignored.",
    )
    callers_may_sample = models.BooleanField(
        "callers may set sampling parameters",
        default=False,
        db_default=False,
        help_text="temperature, top_p, max_tokens and response_format of OpenAI clients apply. Otherwise this App's "
        "own settings apply, and a response_format is refused.",
    )
    callers_may_bring_tools = models.BooleanField(
        "callers may bring tools",
        default=False,
        db_default=False,
        help_text="Callers may declare functions that their own program runs. The model reads their descriptions, "
        "which the server cannot check.",
    )
    keeps_stateless_text = models.BooleanField(
        "keeps the text of stateless calls",
        default=True,
        db_default=True,
        help_text="OpenAI clients that name no session send the whole conversation with each call. On: the last "
        "message and its reply are kept like those of a session. Off: their text is deleted when the turn ends; "
        "only tokens, cost and times are kept.",
    )
    continues_chats_of_openwebui = models.BooleanField(
        "continues chats of Open WebUI",
        default=False,
        db_default=False,
        help_text="A chat of Open WebUI is one session (its X-OpenWebUI-Chat-Id), if its replies are streamed. Prompts "
        "for titles, tags and such, which carry the same id, stay separate.",
    )
    makes_titles = models.BooleanField(
        "makes titles",
        default=True,
        help_text="After the first reply of a session the model writes its title. Otherwise the title is the first "
        "words of the user.",
    )
    keeps_reasoning = models.BooleanField(
        "keeps reasoning",
        default=False,
        db_default=False,
        help_text="Stores the reasoning of the models, if they send it, and shows it to operators on the session's "
        "page. It is never part of a reply.",
    )
    # Off unless an operator asks for it: each request repeats what users, tools and documents said, so keeping them
    # multiplies what a leak would reveal.
    keeps_requests_days = models.PositiveSmallIntegerField(
        "keeps requests to models",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="Number of days for which requests to models are kept, with secrets masked. A turn's page shows them "
        "to operators who have the permission. Empty: they are not kept.",
    )
    shows_usage = models.BooleanField(
        "shows usage",
        default=False,
        db_default=False,
        help_text="Snapshots show callers the tokens and the cost of the session's last turn, and its model.",
    )
    recalls_earlier_sessions = models.BooleanField(
        "recalls a wallet's earlier sessions",
        default=False,
        help_text="Gives the model a short summary of the same wallet's earlier sessions with this App, if the user "
        "has proven that the wallet is theirs, or if the caller has a key for this App.",
    )
    sessions_keep_release = models.BooleanField(
        "sessions keep their release",
        default=False,
        help_text="A session continues with the release that it began with when a new one is published. A release that "
        "is rolled back ends for all sessions. Otherwise every session follows the live release. Takes effect at once.",
    )
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Number of days without activity after which a session is permanently deleted. Empty: sessions are "
        "kept.",
    )
    document_language = models.CharField(
        max_length=20,
        choices=[(DETECTED, "detected for each document"), *((name, name) for name in LANGUAGES)],
        default=DETECTED,
        help_text="The language of the documents, in which search finds other forms of a word; 'simple' finds none. A "
        "document's page can set another language.",
    )
    documents_limit_mb = models.PositiveIntegerField(
        "documents' limit",
        null=True,
        blank=True,
        help_text="Maximum size of all files of the App together, in megabytes. Empty: the server's limit "
        "(DOCUMENTS_LIMIT_MB). Files that would exceed it are refused.",
    )
    embedding_model = models.ForeignKey(
        EmbeddingModel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="apps",
        help_text="Lets search find passages by meaning as well as by words. Empty: by words only. 'embedded "
        "multilingual' supports sixteen languages; 'embedded MiniLM' only English, and is downloaded once (84 MB).",
    )
    allowed_origins = models.TextField(
        blank=True,
        validators=[validate_origins],
        help_text="Websites whose scripts may call the API, one per line, such as https://www.example.com.",
    )
    refuses_other_origins = models.BooleanField(
        "refuses other origins",
        default=False,
        db_default=False,
        help_text="Refuses calls from pages of other origins, and calls that name no origin, such as those of "
        "backends. Otherwise the origins only decide which websites' scripts may read answers.",
    )
    allowed_networks = models.TextField(
        "only these networks",
        blank=True,
        default="",
        db_default="",
        validators=[validate_networks],
        help_text="Addresses and networks (CIDR, IPv4 or IPv6) from which callers may use this App, one per line, such "
        "as 192.0.2.0/24 or 2001:db8::/32. Calls from elsewhere are refused. Empty: any.",
    )
    trusts_backend_wallets = models.BooleanField(
        "trusts wallets that backends name",
        default=False,
        db_default=False,
        help_text="A wallet in a browser token counts as proven: the backend that asked for the token has checked that "
        "it is the user's. Otherwise it counts as claimed until the user proves it by signature.",
    )
    claimed_wallets_may_sign = models.BooleanField(
        "claimed wallets may sign",
        default=False,
        db_default=False,
        help_text="Tools that ask the user's wallet for a transaction or a signature also ask a wallet that is only "
        "claimed. Otherwise the user must have proven that it is theirs.",
    )
    allowed_hosts = models.TextField(
        blank=True,
        validators=[validate_hosts],
        help_text="Hosts in a private network that this App's tools may call, one per line, each with its port, such "
        "as 127.0.0.1:9000. Public hosts need not be listed.",
    )
    only_hosts = models.TextField(
        "only these hosts",
        blank=True,
        default="",
        validators=[validate_secret_hosts],
        help_text="The public hosts that this App's tools, imports and MCP servers may call, one per line, with the "
        "port unless it is 443: api.example.com. Calls and redirects to other hosts are refused. Empty: any public "
        "host. Takes effect at once, for all releases.",
    )
    # The release that callers use; empty: the draft, which is this row and the rows that belong to it.
    live_release = models.ForeignKey(
        "apps_registry.AppRelease", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "App"
        # Operators who may change Apps may try them as well.
        permissions: ClassVar = [("use_playground", "Can talk to Apps in the playground")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(slug__regex=SLUG_PATTERN), name="app_slug_is_plain"),
            models.UniqueConstraint("is_default", condition=Q(is_default=True), name="app_only_one_default"),
            models.CheckConstraint(condition=Q(is_active=True) | Q(is_default=False), name="app_default_is_active"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def private_hosts(self) -> frozenset[str]:
        """The hosts in a private network, with their ports, that may be called."""
        return frozenset(self.allowed_hosts.lower().split())

    @property
    def listed_hosts(self) -> frozenset[str]:
        """The only public hosts, with their ports, that may be called; empty: any."""
        return frozenset(parse_hosts(self.only_hosts))


class AppModel(models.Model):
    """An alternative model of an App; `position` gives the order in which they are offered."""

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
