"""App keys: who may use which Apps, in which channel, and until when."""

from collections import Counter
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils import timezone

from apps_registry.models import App, AppRelease
from apps_registry.models.source_limits import validate_networks, validate_origins
from keys.usability import Status, has_status, status_at

# Shown in place of the operator for keys that a command has issued or revoked.
BY_COMMAND = "command"
BY_HOLDER = "the key's holder"
NOTE_MAX = 2_000
REASON_MAX = 200


class AppKeyQuerySet(models.QuerySet["AppKey"]):
    """Finds keys by status."""

    def usable(self) -> "AppKeyQuerySet":
        """Keys that are neither revoked nor expired."""
        return self.filter(has_status("active"))

    def names(self) -> dict[int, str]:
        """Return the name to show for each key, by id: its label, and its beginning if other keys have the same label.

        A rotated key and its successor have the same label.
        """
        rows = list(self.values_list("pk", "label", "prefix", "successor__pk"))
        uses = Counter(label for _, label, _, _ in rows)
        return {
            pk: f"{label} ({prefix}…, replaced)" if successor else f"{label} ({prefix}…)" if uses[label] > 1 else label
            for pk, label, prefix, successor in rows
        }


class AppKey(models.Model):
    """A key for one or more Apps. The key itself is shown once and never stored: see keys/crypto.py."""

    class Channel(models.TextChoices):
        """The state of its Apps with which the key talks; see keys.callers.Channel."""

        LIVE = "live", "What is live"
        DRAFT = "draft", "The draft"
        RELEASE = "release", "One release"

    class RevokedThrough(models.TextChoices):
        """The way in which a key was revoked; empty for keys revoked by an earlier version."""

        ADMIN = "admin"
        COMMAND = "command"
        HOLDER = "holder"

    label = models.CharField(
        max_length=100, help_text="Who or what uses this key, such as 'checkout service, production'."
    )
    owner = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="The person or team responsible for this key. Keys can be found and revoked by owner.",
    )
    note = models.TextField(
        blank=True, default="", db_default="", max_length=NOTE_MAX, help_text="For operators. Callers never see it."
    )
    prefix = models.CharField(
        max_length=60, editable=False, help_text="The beginning of the key, by which operators recognise it."
    )
    lookup_id = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.CharField(max_length=200, editable=False)
    # crypto.secret_check of the secret; a key from an earlier version gets it when it is next verified.
    secret_check = models.CharField(max_length=6, null=True, editable=False)
    apps = models.ManyToManyField(App, related_name="keys")
    channel = models.CharField(
        max_length=8,
        choices=Channel,
        default=Channel.LIVE,
        db_default="live",
        help_text="The state of its Apps to which the key talks. A session that began in one channel cannot be "
        "continued in another.",
    )
    # For the channel "release". If it is deleted, calls are refused rather than answered by a release that nobody
    # chose.
    release = models.ForeignKey(
        AppRelease, null=True, blank=True, on_delete=models.SET_NULL, related_name="following_keys"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
    # When the log last said that the key will expire.
    expiry_announced_at = models.DateTimeField(null=True, editable=False)
    # At most one successor: the constraint decides if two rotations run at the same time.
    rotated_from = models.OneToOneField(
        "self", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="successor"
    )
    allowed_origins = models.TextField(
        "only these origins",
        blank=True,
        default="",
        db_default="",
        validators=[validate_origins],
        help_text="Websites whose pages may use the key or its browser tokens, one per line, such as "
        "https://www.example.com. Calls from elsewhere, and calls that name no origin, such as those of backends, are "
        "refused. The App must list the origins too, so that browsers show its answers to the pages. Empty: any.",
    )
    allowed_networks = models.TextField(
        "only these networks",
        blank=True,
        default="",
        db_default="",
        validators=[validate_networks],
        help_text="Addresses and networks (CIDR, IPv4 or IPv6) from which the key may be used, one per line, such as "
        "192.0.2.0/24. They do not limit its browser tokens, which browsers use elsewhere. Empty: any.",
    )
    # Final: a trigger keeps it once it is set (keys/migrations/0020_life.py).
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_through = models.CharField(
        max_length=8, choices=RevokedThrough, blank=True, default="", db_default="", editable=False
    )
    revoke_reason = models.CharField(max_length=REASON_MAX, blank=True, default="", db_default="", editable=False)
    # Written once a minute at most: see keys/last_use.py. Without indexes, so that the write touches the table only.
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_app = models.ForeignKey(
        App, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    last_used_address = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    objects = AppKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "App key"
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.label})"

    @property
    def status(self) -> Status:
        """Active, expired or revoked."""
        return status_at(timezone.now(), revoked_at=self.revoked_at, expires_at=self.expires_at)

    @property
    def revoker(self) -> str:
        """Who revoked the key; empty if it is not revoked, or an earlier version did not record it."""
        if self.revoked_through == self.RevokedThrough.HOLDER:
            return BY_HOLDER
        return str(self.revoked_by or "") or (BY_COMMAND if self.revoked_through else "")

    @property
    def successor_or_none(self) -> "AppKey | None":
        """The key that rotation has issued in place of this one, if any."""
        try:
            return self.successor
        except ObjectDoesNotExist:
            return None

    @property
    def channel_words(self) -> str:
        """The channel as commands and pages write it: live, draft, or release:N with the release's number."""
        if self.channel != self.Channel.RELEASE:
            return self.channel
        return f"release:{self.release.number}" if self.release else "release:deleted"
