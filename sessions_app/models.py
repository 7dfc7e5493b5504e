"""Conversation threads, what was said in them, and the turns that said it.

The admin, the commands and the schema use these models; the hot path reads and writes the same tables
with the statements of sessions_app/sql*.py.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps_registry.models import App, AppRelease


class ChatSession(models.Model):
    """One conversation thread; its id is made by the client."""

    class Status(models.TextChoices):
        """What the thread is doing."""

        IDLE = "idle"
        PROCESSING = "processing"
        INTERRUPTED = "interrupted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, null=True, blank=True, on_delete=models.CASCADE, related_name="sessions")
    # The release that it keeps, if its App lets sessions keep theirs; set by its first turn under one.
    release = models.ForeignKey(
        AppRelease, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.IDLE)
    # Every change of a session raises it; a copy in memory is fresh while its version is the row's. It begins
    # at a random number, so that a copy of a deleted session never passes for its successor's.
    version = models.BigIntegerField()
    title = models.CharField(max_length=200, blank=True)
    title_is_users = models.BooleanField("title set by the user", default=False)
    # By name: the App's choice may change, and a name that it no longer offers means its default.
    chosen_model = models.CharField(max_length=100, blank=True, default="")
    is_archived = models.BooleanField("archived", default=False)
    # The client's own JSON text, letter by letter: it comes back as it was sent.
    user_state = models.TextField(null=True, blank=True)
    wallet_address = models.CharField(max_length=42, null=True, blank=True, db_index=True)
    wallet_chain_id = models.BigIntegerField(null=True, blank=True)
    wallet_is_proven = models.BooleanField("wallet ownership proven", default=False, db_default=False)
    next_position = models.PositiveIntegerField(default=0)
    # The turn that runs; its worker renews the lease, and without renewal the session becomes interrupted. Of a
    # session that is not processing: the turn that waits for the user to confirm a tool call.
    running_turn = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    # System events that no snapshot has delivered yet; 0 spares the snapshot a look at their table.
    undelivered_events = models.PositiveIntegerField(default=0)
    # What its first messages said, as many as the number; they stay where they are.
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
        ]

    def __str__(self) -> str:
        return str(self.id)


class Turn(models.Model):
    """One exchange: a user's message and all that the App did to answer it. Also the usage record."""

    class Status(models.TextChoices):
        """How far it came."""

        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        INTERRUPTED = "interrupted"
        PAUSED = "paused"  # until the user confirms a tool call, or does not

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="turns")
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="turns")
    # The id of the App key that asked, kept when the key is gone; the default App needs none.
    app_key_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    model = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    partial_text = models.TextField(blank=True, default="")
    # Calls of a round that is not over (sessions_app/open_calls.py): what a crash leaves is recorded, not repeated.
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
    # The models that did not answer and what was refused, in order: [{"model": …, "code": …, "note"?: …}].
    attempts = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        indexes: ClassVar = [
            models.Index(fields=["-started_at"], name="turn_started"),
            models.Index(fields=["paused_until"], condition=Q(status="paused"), name="turn_paused"),
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
    """One thing said in a session; positions have no gaps."""

    class Role(models.TextChoices):
        """Who said it."""

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
    # Tool calls: the round of the turn that made them, what was called and with which JSON arguments.
    tool_round = models.PositiveSmallIntegerField(default=0)
    tool_name = models.CharField(max_length=64, blank=True, default="")
    tool_call_id = models.CharField(max_length=100, blank=True, default="")
    tool_arguments = models.TextField(blank=True, default="")
    # Of what a model said, for its provider alone (chat/issuers.py): who said it, and what is to go back with it.
    extra = models.JSONField(null=True, blank=True, editable=False)
    # What the model thought before it, where the App keeps that; for operators alone.
    reasoning = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "position"], name="message_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role} #{self.position}"


class SystemEvent(models.Model):
    """Something that a session tells its client outside the conversation."""

    class Kind(models.TextChoices):
        """The key under which a snapshot shows it."""

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
    """A text that a session's client was asked to sign, to prove that it holds a wallet's key; good for once."""

    nonce = models.CharField(max_length=64, primary_key=True)
    # Without a constraint: sessions are removed by statements that need not know of what expires in minutes.
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
