"""Counts of failed keys."""

from typing import ClassVar

from django.db import models


class KeyFailure(models.Model):
    """Counts failed keys per minute by lookup id and network address, across all workers."""

    # Empty: all ids from the address together, which limits the rows that made-up ids create.
    lookup_id = models.CharField(max_length=16, blank=True)
    address = models.CharField(max_length=64)
    began_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["lookup_id", "address"], name="key_failures_once_per_address")
        ]

    def __str__(self) -> str:
        return f"{self.count} for {self.lookup_id}"
