"""The keys that sign browser tokens."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class TokenSigningKey(models.Model):
    """A key that signs browser tokens. It is derived from SECRET_KEY and this salt: the table alone cannot sign."""

    salt = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    # After this time, tokens that it has signed are invalid. Empty for the key that signs new tokens.
    retires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"no. {self.pk}"
