"""The keys that sign browser tokens."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class TokenSigningKey(models.Model):
    """A key that signs browser tokens, derived from SECRET_KEY and this salt: a copy of the table signs none."""

    salt = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    # From then on, no token that it has signed works. Empty for the key that signs new ones.
    retires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"no. {self.pk}"
