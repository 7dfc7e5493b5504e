"""Canary keys: they look like App keys, open nothing, and report their use."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class CanaryKey(models.Model):
    """A key to plant where only an intruder looks, such as a wiki page or an image.

    It has a separate table, which no code reads to check whether a key is valid, so it can never become valid.
    """

    label = models.CharField(max_length=100, help_text="Where you plant it, such as 'wiki page on deployments'.")
    prefix = models.CharField(max_length=60, editable=False)
    lookup_id = models.CharField(max_length=16, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL
    )
    use_count = models.PositiveBigIntegerField(default=0, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_from = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = "canary key"
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.label})"
