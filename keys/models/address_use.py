"""What network addresses without a key have stored, by day."""

from django.db import models


class AddressUse(models.Model):
    """What one address without a key has stored on one day (UTC). The key includes the day, for partitioning."""

    pk = models.CompositePrimaryKey("day", "address")
    day = models.DateField()
    address = models.CharField(max_length=64)
    new_sessions = models.IntegerField()
    stored_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.address} on {self.day}"
