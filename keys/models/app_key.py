"""App keys: who may use which Apps."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps_registry.models import App
from apps_registry.models.source_limits import validate_networks, validate_origins
from keys.usability import Status, has_status, status_at

# Shown in place of the operator for keys issued by `manage.py issue_key`.
BY_COMMAND = "command"


class AppKeyQuerySet(models.QuerySet["AppKey"]):
    """Finds keys by status."""

    def usable(self) -> "AppKeyQuerySet":
        """Keys that are neither revoked nor expired."""
        return self.filter(has_status("active"))


class AppKey(models.Model):
    """A key for one or more Apps. The key itself is shown once and never stored: see keys/crypto.py."""

    label = models.CharField(
        max_length=100, help_text="Who or what uses this key, such as 'checkout service, production'."
    )
    prefix = models.CharField(max_length=60, editable=False, help_text="The key's beginning, to recognise it by.")
    lookup_id = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.CharField(max_length=200, editable=False)
    # crypto.secret_check of the secret; a key from an earlier version gets it when it is next verified.
    secret_check = models.CharField(max_length=6, null=True, editable=False)
    apps = models.ManyToManyField(App, related_name="keys")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
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
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

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
