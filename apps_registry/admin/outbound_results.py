"""The filter of outbound calls by their result."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apps_registry.models import OutboundCall

ANSWERED = Q(status__isnull=False)
RESULTS = {
    "failed": ("Failed in any way", ~ANSWERED | Q(status__gte=400)),
    "error": ("Answered with an error (400 and above)", Q(status__gte=400)),
    "unanswered": ("Not answered, or not sent", ~ANSWERED),
    "succeeded": ("Answered without an error", Q(status__lt=400)),
}


class ResultFilter(admin.SimpleListFilter):
    """By what became of the call."""

    title, parameter_name = "result", "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, title) for value, (title, _) in RESULTS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundCall]) -> QuerySet[OutboundCall]:
        """Return the calls with the chosen result."""
        chosen = RESULTS.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset
