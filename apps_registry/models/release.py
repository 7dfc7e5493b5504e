"""Published states of Apps; rows are added and never changed."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class AppRelease(models.Model):
    """A numbered state of an App in the form of its App file, with the documents that it searches."""

    app = models.ForeignKey("apps_registry.App", verbose_name="App", on_delete=models.CASCADE, related_name="releases")
    number = models.PositiveIntegerField()
    content = models.TextField()  # AppContent.as_data as JSON text, which keeps its order
    document_ids = ArrayField(models.BigIntegerField(), default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "release"
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["app", "number"], name="app_release_number_once_per_app"),
        ]

    def __str__(self) -> str:
        return f"release {self.number}"
