"""The filters of the list of refused calls: by status, rule, key and App."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest

from keys.admin.filters import is_row_id
from keys.models import AppKey, Refusal
from keys.refusals.rules import RULES

# The distinct values of a long table take long to find, so the filters offer those of the newest rows.
NEWEST_ROWS = 1_000
STATUSES = (401, 403, 404, 409, 410, 413, 415, 422, 429, 503)


class StatusFilter(admin.SimpleListFilter):
    """Filters by HTTP status; offers all that can occur, because finding the distinct ones in a long table is slow."""

    title, parameter_name = "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(status), str(status)) for status in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refusal]) -> QuerySet[Refusal]:
        chosen = self.value() or ""
        return queryset.filter(status=int(chosen)) if chosen in {str(status) for status in STATUSES} else queryset


class RuleFilter(admin.SimpleListFilter):
    """Filters by the rule that refused the call."""

    title, parameter_name = "rule", "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in sorted(RULES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refusal]) -> QuerySet[Refusal]:
        return queryset.filter(rule=self.value()) if self.value() else queryset


class _OfNewest(admin.SimpleListFilter):
    """Filters by a column; offers its values in the newest rows, and the chosen one."""

    def values(self) -> list[str]:
        newest = Refusal.objects.order_by("-id").values_list(self.parameter_name or "", flat=True)[:NEWEST_ROWS]
        values = {str(value) for value in newest if value not in {None, ""}}
        return sorted({*values, chosen} if (chosen := self.used_parameters.get(self.parameter_name or "")) else values)

    def has_output(self) -> bool:
        """Whether there is a choice; a filter that the URL names always applies."""
        return bool(self.lookup_choices)


class KeyFilter(_OfNewest):
    """Filters by the App key that the call named."""

    title, parameter_name = "App key", "key_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        ids = [value for value in self.values() if is_row_id(value)]
        names = AppKey.objects.filter(pk__in=ids).names()
        return sorted(((value, names.get(int(value), f"no. {value}")) for value in ids), key=lambda each: each[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refusal]) -> QuerySet[Refusal]:
        chosen = self.value()
        if chosen and not is_row_id(chosen):
            raise IncorrectLookupParameters("key_id takes the number of a key")
        return queryset.filter(key_id=int(chosen)) if chosen else queryset


class AppFilter(_OfNewest):
    """Filters by the App that the call asked for, whether or not there is one with this name."""

    title, parameter_name = "App", "app"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refusal]) -> QuerySet[Refusal]:
        return queryset.filter(app=self.value()) if self.value() else queryset
