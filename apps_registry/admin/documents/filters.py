"""The filters of the list of documents."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps_registry.models import Document


class TagFilter(admin.SimpleListFilter):
    """Filters documents by tag."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        used = Document.objects.exclude(tags=[]).values_list("tags", flat=True)[:10_000]
        return [(tag, tag) for tag in sorted({tag for tags in used for tag in tags})][:100]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        return queryset.filter(tags__contains=[self.value()]) if self.value() else queryset


class KeptFilter(admin.SimpleListFilter):
    """Filters between documents of drafts (the default) and versions that only releases search."""

    title = "kept"
    parameter_name = "kept"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("releases", "for releases only")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        return queryset.filter(replaced_at__isnull=self.value() != "releases")
