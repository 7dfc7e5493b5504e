"""Models of sessions, their messages and their turns.

The admin and the management commands use these models. The hot path reads and writes the same tables with the
statements in sessions_app/sql/.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps_registry.models import App, AppRelease
from apps_registry.values import OPERATORS_CHANNEL


class ChatSession(models.Model):
    """One conversation thread; the client makes its id."""

    class Status(models.TextChoices):
        """The session's state; a paused turn leaves its session idle."""

        IDLE = "idle"
        PROCESSING = "processing"
        INTERRUPTED = "interrupted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, null=True, blank=True, on_delete=models.CASCADE, related_name="sessions")
    # The release that the session keeps, if its App lets sessions keep theirs; its first turn under a release sets it.
    release = models.ForeignKey(
        AppRelease, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    # The channel of the key of its first turn (keys.callers.Channel.name); empty until then. Only turns of the same
    # channel follow. The default is for sessions of earlier versions.
    channel = models.CharField(max_length=32, blank=True, default="live", db_default="live", editable=False)
    status = models.CharField(max_length=12, choices=Status, default=Status.IDLE)
    # Every change of the session increments the version; a copy in memory is fresh if its version equals the row's.
    # Versions start at a random number, so that a cached copy of a deleted session never matches a new session that
    # has the same id.
    version = models.BigIntegerField()
    title = models.CharField(max_length=200, blank=True)
    title_is_users = models.BooleanField("title set by the user", default=False)
    # A name rather than a key: the App's models may change, and a name that it no longer offers means its default.
    chosen_model = models.CharField(max_length=100, blank=True, default="")
    is_archived = models.BooleanField("archived", default=False)
    # Made for one call of a protocol whose callers send the whole conversation each time.
    is_stateless = models.BooleanField("stateless", default=False, db_default=False)
    # The metadata that callers have stored (sessions_app/conversations.py).
    metadata = models.JSONField(null=True, blank=True, editable=False)
    # Text rather than JSON: clients get back exactly the text that they sent.
    user_state = models.TextField(null=True, blank=True)
    wallet_address = models.CharField(max_length=42, null=True, blank=True, db_index=True)
    wallet_chain_id = models.BigIntegerField(null=True, blank=True)
    wallet_is_proven = models.BooleanField("wallet ownership proven", default=False, db_default=False)
    next_position = models.PositiveIntegerField(default=0)
    # While the session is processing: the running turn. Its worker renews the lease; if the lease expires, the session
    # becomes interrupted. Otherwise: the paused turn, which waits for the user to confirm a tool call.
    running_turn = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    # System events that no snapshot has delivered yet; at 0 a snapshot need not query their table.
    undelivered_events = models.PositiveIntegerField(default=0)
    # A summary of the first `summarised_count` messages, which are kept.
    summary = models.TextField(blank=True, default="", db_default="")
    summarised_count = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    last_active_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "session"
        ordering: ClassVar = ["-last_active_at"]
        indexes: ClassVar = [
            models.Index(fields=["-last_active_at"], name="session_last_active"),
            models.Index(fields=["lease_expires_at"], condition=Q(status="processing"), name="session_leases"),
            models.Index(fields=["release"], condition=Q(release__isnull=False), name="session_release"),
            models.Index(
                fields=["app"], condition=Q(is_stateless=True, next_position__gt=0), name="session_stateless_text"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_operators(self) -> bool:
        """Whether an operator began it in the console's playground."""
        return self.channel.startswith(OPERATORS_CHANNEL)


class Turn(models.Model):
    """One exchange: a user's message and everything that the App did to answer it. Also the usage record."""

    class Status(models.TextChoices):
        """The turn's state; a running or paused turn may still change."""

        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        INTERRUPTED = "interrupted"
        PAUSED = "paused"  # waits for the user to confirm or decline a tool call

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="turns")
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="turns")
    # The id of the request's App key, not a foreign key: it outlives the key. The default App needs no key.
    app_key_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    model = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    partial_text = models.TextField(blank=True, default="")
    # Calls of an unfinished round (sessions_app/open_calls.py): after a crash they are recorded but not repeated.
    open_calls = models.JSONField(null=True, blank=True, editable=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    finish_reason = models.CharField(max_length=40, blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    tool_rounds = models.PositiveSmallIntegerField(default=0)
    first_token_ms = models.PositiveIntegerField("first token (ms)", null=True, blank=True)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    # Tokens whose cost is missing in `cost`, because the model that used them had no price.
    unpriced_tokens = models.PositiveBigIntegerField("tokens without a price", default=0, db_default=0)
    # The reservations of rounds that ended without counts from the provider. Limits count them as used.
    unreported_tokens = models.PositiveBigIntegerField("tokens reserved, not counted", default=0, db_default=0)
    unreported_cost = models.DecimalField(max_digits=20, decimal_places=10, default=0, db_default=0)
    # What the current round of a running turn may use at most; the cost is null if one of the models has no price.
    reserved_tokens = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    reserved_cost = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True, editable=False)
    # While the turn runs: whose limits it counts for, and the limits of callers without a key; for the triggers of keys
    # (keys/migrations/0011_accounting.py).
    admission = models.JSONField(null=True, blank=True, editable=False)
    # Failed models and refused parts of requests, in order: [{"model": …, "code": …, "note"?: …}].
    attempts = models.JSONField(null=True, blank=True)
    # What the caller asked of this turn (chat/turns/input/options.py); empty once the turn has ended.
    options = models.JSONField(null=True, blank=True, editable=False)
    # The requests that began or continued it, if their clients may ask for them later
    # (sessions_app/turns/responses.py).
    responses = models.JSONField(null=True, blank=True, editable=False)
    # When its rounds and calls began and ended (chat/turns/running/steps.py), for its timeline.
    steps = models.JSONField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        indexes: ClassVar = [
            models.Index(fields=["-started_at"], name="turn_started"),
            models.Index(fields=["paused_until"], condition=Q(status="paused"), name="turn_paused"),
            models.Index(fields=["error_code"], condition=~Q(error_code=""), name="turn_errors"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="turn_once_per_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Message(models.Model):
    """One message of a session; where a message was deleted, the positions have a gap."""

    class Role(models.TextChoices):
        """The message's author."""

        USER = "user"
        AGENT = "agent"
        TOOL = "tool"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="messages")
    turn = models.ForeignKey(Turn, null=True, blank=True, on_delete=models.CASCADE, related_name="messages")
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=8, choices=Role)
    content = models.TextField(blank=True)
    # For tool calls: the round of the turn, the tool and its JSON arguments.
    tool_round = models.PositiveSmallIntegerField(default=0)
    tool_name = models.CharField(max_length=64, blank=True, default="")
    tool_call_id = models.CharField(max_length=100, blank=True, default="")
    tool_arguments = models.TextField(blank=True, default="")
    # Data for the provider whose model wrote the message (chat/issuers.py): the issuer, and fields to send back to it.
    extra = models.JSONField(null=True, blank=True, editable=False)
    # The model's reasoning before the message, if the App keeps it; only operators see it.
    reasoning = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "position"], name="message_position_once"),
        ]
        # A separate permission: searching all conversations reveals more than reading one.
        permissions: ClassVar = [("search_messages", "Can search the text of messages")]

    def __str__(self) -> str:
        return f"{self.role} #{self.position}"


class SentRequest(models.Model):
    """A request to a model in a turn, as its provider got it, but with secrets masked; only for Apps that keep them."""

    # Postgres itself deletes these rows with their turn (sessions_app/migrations/0090_sent_requests.py): the statements
    # that delete sessions need not name them.
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, db_constraint=False, related_name="sent_requests")
    round_number = models.PositiveSmallIntegerField()
    model = models.CharField(max_length=100)
    body = models.TextField()  # JSON, or its beginning
    size = models.PositiveBigIntegerField()  # of the whole body, in bytes
    status = models.PositiveSmallIntegerField()  # of the provider's answer; 0: there was no answer
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = "request to a model"
        verbose_name_plural = "requests to models"
        ordering: ClassVar = ["id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"round {self.round_number} to {self.model}"


class SystemEvent(models.Model):
    """An event for the client, outside the conversation."""

    class Kind(models.TextChoices):
        """The key under which a snapshot shows the event."""

        NOTICE = "SystemNotice"
        ERROR = "SystemError"
        INLINE_CALL = "InlineCall"
        ASYNC_CALLBACK = "AsyncCallback"

    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=Kind)
    payload = models.TextField(help_text="JSON.")
    created_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "system event"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class WalletChallenge(models.Model):
    """A text that a client signs to prove that it holds a wallet's key; it may be used once."""

    nonce = models.CharField(max_length=64, primary_key=True)
    # No constraint: the statements that delete sessions need not delete challenges, which expire in minutes.
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    address = models.CharField(max_length=42)
    chain_id = models.BigIntegerField()
    domain = models.TextField()
    uri = models.TextField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.nonce)


class WorkerState(models.Model):
    """What a worker process reports about itself: it writes its row every few seconds, and removes it when it ends.

    An old row belongs to a worker that was killed. Times are PostgreSQL's, so that machines can be compared.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=40)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    bus = models.CharField(max_length=12)
    hears_bus = models.BooleanField("hears the bus")
    running_turns = models.PositiveIntegerField()
    readers = models.PositiveIntegerField()
    # Models that it skips for a while, because they kept failing: [[id of the provider, the provider's model id], …].
    open_models = models.JSONField(default=list)
    failing_loops = models.JSONField(default=list)

    class Meta:
        verbose_name = "worker"
        ordering: ClassVar = ["host", "pid"]
        default_permissions = ()  # the overview shows it to every operator

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"
