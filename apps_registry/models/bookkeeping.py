"""Tables with one row: the revision of the registry, and the row that `/readyz` writes."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class RegistryRevision(models.Model):
    """One row whose number database triggers increase with every change of the registry's tables.

    Workers keep App configurations in memory until this number changes.
    """

    number = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="registry_revision_one_row")]

    def __str__(self) -> str:
        return str(self.number)


class StoreProbe(models.Model):
    """One row that `/readyz` writes to test whether the database accepts writes (aomi_site/health/readiness.py)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    written_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="store_probe_is_one_row")]

    def __str__(self) -> str:
        return str(self.written_at)
