"""The links of the usage page: from a number to its turns, and from a group to its page and to a narrower view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from aomi_site.console.usage.usage_query import Span, UsageQuery
from apps_registry.models import App, Model
from keys.models import NO_KEY, AppKey
from keys.usage.reading import UsageRow

TURNS = "admin:sessions_app_turn_changelist"


@dataclass(frozen=True, slots=True)
class RowLinks:
    """The links of a group; empty if there is no such page, or the operator may not see it.

    Attributes:
        thing: the page of the App, the key or the model.
        turns: the list of the turns.
        errors: the list of the failed turns.
        closer: this page, with only this group.
    """

    thing: str
    turns: str
    errors: str
    closer: str


class Links:
    """The links of one page."""

    def __init__(self, user: Any, usage_query: UsageQuery, query: QueryDict, groups: Sequence[UsageRow]) -> None:
        """Prepare the links.

        Args:
            user: the operator.
            usage_query: the query of the page.
            query: the parameters of its URL.
            groups: the rows that it shows.
        """
        self._user, self._usage_query, self._query = user, usage_query, query
        self._things = self._existing(groups)

    def of(self, row: UsageRow) -> RowLinks:
        """Return the links of a group."""
        return RowLinks(self._thing(row), self.turns(row), self.turns(row, status__exact="failed"), self._closer(row))

    def turns(self, row: UsageRow, **more: str) -> str:
        """Return the URL of the turns behind a group or the total; titles and summaries are not turns.

        Args:
            row: the group, or the total.
            more: further parameters of the list.
        """
        where = self._usage_query.where
        if not self._user.has_perm("sessions_app.view_turn") or max(map(len, (where.app_ids, where.key_ids))) > 1:
            return ""
        parameters = {**_between(self._usage_query.span, row), **more}
        app_id = row.app_id or next(iter(where.app_ids), None)
        if app_id is not None:
            parameters["app__id__exact"] = str(app_id)
        key_id = row.key_id if row.key_id is not None else next(iter(where.key_ids), None)
        if key_id is not None:
            parameters |= {"app_key_id": str(key_id)} if key_id != NO_KEY else {"app_key_id__isnull": "1"}
        if model := row.model or next(iter(where.models), None):
            parameters["model"] = model
        return f"{reverse(TURNS)}?{urlencode(parameters)}"

    def with_query(self, changes: Mapping[str, str | None]) -> str:
        """Return this page's URL with other parameters; None removes one."""
        query = self._query.copy()
        for name, value in changes.items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return f"?{query.urlencode()}"

    def _closer(self, row: UsageRow) -> str:
        if row.day is not None:
            return self.with_query({"range": "custom", "from": str(row.day), "to": str(row.day), "by": "app"})
        if row.app_id is not None:
            return self.with_query({"app": row.app, "by": "key"})
        if row.key_id is not None:
            return self.with_query({"key": str(row.key_id or "none"), "by": "model"})
        return self.with_query({"model": row.model, "by": "app"})

    def _thing(self, row: UsageRow) -> str:
        value = row.app_id if row.app_id is not None else row.key_id if row.key_id is not None else row.model
        page = self._things.get(value)
        return reverse(page[0], args=[page[1]]) if page else ""

    def _existing(self, groups: Sequence[UsageRow]) -> dict[Any, tuple[str, int]]:
        """Return the pages of the Apps, keys or models that still exist and that the operator may see."""
        by = self._usage_query.by
        if by == "app" and self._may_see("apps_registry", "app"):
            apps = App.objects.filter(pk__in=[row.app_id for row in groups]).values_list("pk", flat=True)
            return {pk: ("admin:apps_registry_app_change", pk) for pk in apps}
        if by == "key" and self._may_see("keys", "appkey"):
            keys = AppKey.objects.filter(pk__in=[row.key_id for row in groups]).values_list("pk", flat=True)
            return {pk: ("admin:keys_appkey_change", pk) for pk in keys}
        if by == "model" and self._may_see("apps_registry", "model"):
            models = Model.objects.filter(name__in=[row.model for row in groups]).values_list("name", "pk")
            return {name: ("admin:apps_registry_model_change", pk) for name, pk in models}
        return {}

    def _may_see(self, app_label: str, model: str) -> bool:
        return any(self._user.has_perm(f"{app_label}.{verb}_{model}") for verb in ("view", "change"))


def _between(span: Span, row: UsageRow) -> dict[str, str]:
    """Return the parameters for the time in which the turns of a group started."""
    first = datetime.combine(row.day or span.since, time(), UTC)
    after = datetime.combine((row.day or span.until) + timedelta(days=1), time(), UTC)
    if span.since_hour is not None and first.date() == span.since:
        first += timedelta(hours=span.since_hour)
    return {"started_at__gte": str(first), "started_at__lt": str(after)}
