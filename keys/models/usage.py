"""Usage by day, App, key and model. It is kept when sessions, turns, Apps and keys are deleted."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

NO_KEY = 0  # the key's id in rows of callers without a key; OPERATORS_KEY_ID in those of operators
WHOLE_DAY = -1  # the hour in rows of days that are over
FOLDED = -1  # the slot in rows that are also part of the sums of all keys


class UsageSums(models.Model):
    """The numbers of roll-ups: sums over the Turn rows that have ended or paused, plus titles and summaries.

    Times follow keys/usage/histograms.py.
    """

    turns = models.BigIntegerField(db_default=0)
    errors = models.BigIntegerField(db_default=0)  # failed turns
    interruptions = models.BigIntegerField(db_default=0)
    tool_rounds = models.BigIntegerField(db_default=0)
    prompt_tokens = models.BigIntegerField(db_default=0)
    completion_tokens = models.BigIntegerField(db_default=0)
    # Tokens that limits count for rounds whose tokens no provider has counted: their reservations.
    unreported_tokens = models.BigIntegerField(db_default=0)
    cost = models.DecimalField(max_digits=24, decimal_places=10, db_default=0)
    # Tokens whose cost is missing in `cost`, because the model had no price.
    unpriced_tokens = models.BigIntegerField(db_default=0)
    latency_ms_sum = models.BigIntegerField(db_default=0)
    latency_counts = ArrayField(models.BigIntegerField())
    first_token_counts = ArrayField(models.BigIntegerField())

    class Meta:
        abstract = True


class Usage(UsageSums):
    """A part of what a model has done in a day for an App and a key; the sum over `hour` and `slot` is the total.

    Slots let many turns end at the same time without waiting for one another. The slots of hours that are over become
    one row, and so do the hours of days before yesterday (keys/upkeep.py).
    """

    class Kind(models.TextChoices):
        """What the model was asked for."""

        TURN = "turn"
        TITLE = "title"
        SUMMARY = "summary"

    # The day comes first, so that the table can be partitioned by it.
    pk = models.CompositePrimaryKey("day", "app_id", "app_key_id", "model", "kind", "hour", "slot")
    day = models.DateField()  # UTC
    app_id = models.BigIntegerField()
    app_key_id = models.BigIntegerField(default=NO_KEY, db_default=NO_KEY)
    model = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind)
    hour = models.SmallIntegerField(default=WHOLE_DAY, db_default=WHOLE_DAY)  # UTC
    slot = models.SmallIntegerField()
    # Names at the time of the first use of the day, for Apps and keys that no longer exist.
    app_slug = models.CharField(max_length=40)
    app_key_label = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "usage"
        verbose_name_plural = "usage"
        indexes: ClassVar = [
            models.Index(fields=["app_key_id", "day"], name="usage_by_key"),
            # Rows that are not folded are read by slot >= 0, and rows to fold into days also by hour >= 0.
            models.Index(
                fields=["day", "slot"],
                condition=models.Q(hour__gte=0) | models.Q(slot__gte=0),
                name="usage_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.app_slug} {self.model}"


class UsageTotal(UsageSums):
    """The sums of the folded rows of all keys, so that sums without keys read few rows.

    A row is for a whole day before yesterday, or for an hour of yesterday or today.
    """

    pk = models.CompositePrimaryKey("day", "hour", "app_id", "model", "kind")
    day = models.DateField()  # UTC
    hour = models.SmallIntegerField(default=WHOLE_DAY, db_default=WHOLE_DAY)  # UTC
    app_id = models.BigIntegerField()
    model = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Usage.Kind)
    app_slug = models.CharField(max_length=40)

    class Meta:
        default_permissions = ()  # it is part of the usage
        verbose_name = "usage of all keys"
        verbose_name_plural = "usage of all keys"

    def __str__(self) -> str:
        return f"{self.day} {self.app_slug} {self.model}"


class UsageHour(UsageSums):
    """What all Apps together used in an hour of a day before yesterday, to compare a day with earlier ones."""

    pk = models.CompositePrimaryKey("day", "hour")
    day = models.DateField()  # UTC
    hour = models.SmallIntegerField()

    class Meta:
        default_permissions = ()  # it is part of the usage
        verbose_name = "usage of an hour"
        verbose_name_plural = "usage by hour"

    def __str__(self) -> str:
        return f"{self.day} {self.hour}:00"
