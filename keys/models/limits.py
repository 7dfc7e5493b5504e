"""Limits of keys, of Apps and of callers without a key, and what they have used of them."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

COUNT: dict[str, Any] = {"null": True, "blank": True, "validators": [MinValueValidator(1)]}
RATE: dict[str, Any] = {"null": True, "blank": True, "validators": [MinValueValidator(1), MaxValueValidator(1_000_000)]}
MONEY: dict[str, Any] = {
    "null": True,
    "blank": True,
    "max_digits": 14,
    "decimal_places": 6,
    "validators": [MinValueValidator(0)],
}


class LimitSet(models.Model):
    """The limits of one subject (see keys/limits/values.py); without a row, a key or an App has none.

    Rows of callers without a key replace the limits in the settings.
    """

    subject = models.CharField(max_length=80, primary_key=True, editable=False)
    requests_per_minute = models.PositiveIntegerField(
        **RATE, help_text="Calls that start a turn or create a session. Empty: no limit."
    )
    burst = models.PositiveIntegerField(
        **RATE, help_text="How many of these calls may come at once. Empty: as many as per minute."
    )
    concurrent_turns = models.PositiveIntegerField(
        **COUNT, help_text="Turns that run at the same time. Empty: no limit."
    )
    tokens_per_day = models.PositiveBigIntegerField(
        **COUNT, help_text="Tokens of prompts and answers. Days begin at midnight UTC. Empty: no limit."
    )
    tokens_per_month = models.PositiveBigIntegerField(
        **COUNT, help_text="Tokens of prompts and answers. Months begin at midnight UTC. Empty: no limit."
    )
    money_per_day = models.DecimalField(
        **MONEY, help_text="At the models' prices; every model that may answer needs a price. Empty: no limit."
    )
    money_per_month = models.DecimalField(
        **MONEY, help_text="At the models' prices; every model that may answer needs a price. Empty: no limit."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "limits"
        verbose_name_plural = "limits"

    def __str__(self) -> str:
        return self.subject


class LimitState(models.Model):
    """What a subject has used of its limits; only functions of the database change it.

    The total is the sum over `slot`. A subject with large limits has several slots, so that many turns can begin at the
    same time without waiting for one row; others have only slot 0. See keys/migrations/0011_accounting.py. A day or
    month that has passed counts as unused.
    """

    pk = models.CompositePrimaryKey("subject", "slot")
    subject = models.CharField(max_length=120)
    slot = models.SmallIntegerField(default=0, db_default=0)
    # How full the bucket of requests was at `used_at`; it drains by the limit per minute, shared by the slots.
    requests = models.FloatField(db_default=0)
    running_turns = models.IntegerField(db_default=0)
    # What running turns may still use, as the sum of their reservations.
    reserved_tokens = models.BigIntegerField(db_default=0)
    reserved_money = models.DecimalField(max_digits=24, decimal_places=10, db_default=0)
    day = models.DateField()
    day_tokens = models.BigIntegerField(db_default=0)
    day_money = models.DecimalField(max_digits=24, decimal_places=10, db_default=0)
    month = models.DateField()  # its first day
    month_tokens = models.BigIntegerField(db_default=0)
    month_money = models.DecimalField(max_digits=24, decimal_places=10, db_default=0)
    # In slot 0: until then everything is refused, even if budget is left. The pulled fuse sets it.
    blocked_until = models.DateTimeField(null=True)
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "use of limits"
        verbose_name_plural = "use of limits"

    def __str__(self) -> str:
        return f"{self.subject} #{self.slot}"
