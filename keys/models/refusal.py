"""The record of refused calls."""

from typing import ClassVar

from django.db import models


class Refusal(models.Model):
    """A refused call, or the count of calls that were too many to get a row each.

    The only unique column is the primary key, which grows with time: so the table can be partitioned by it later. Rows
    name keys and Apps without foreign keys, because they outlive both.
    """

    # Microseconds since 1970, times 1024, plus a number that distinguishes rows of the same microsecond.
    id = models.BigIntegerField(primary_key=True, editable=False)
    at = models.DateTimeField("time")
    request_id = models.UUIDField(null=True, db_index=True)
    status = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    rule = models.CharField(max_length=60)
    key_id = models.BigIntegerField("App key", null=True)
    app = models.CharField("App asked for", max_length=40, blank=True)
    address = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=10, blank=True)
    path = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = "refused call"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["key_id", "-id"], name="refusals_of_key"),
            models.Index(fields=["address", "-id"], name="refusals_of_address"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.rule}"
