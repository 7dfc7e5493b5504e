"""The query of the usage page: the parameters of its URL, as a form."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from apps_registry.models import App, Model
from keys.usage.naming import WITHOUT_KEY, app_ids, key_ids
from keys.usage.reading import Filter

DAY = "24h"
RANGES = ((DAY, "24 hours"), ("7d", "7 days"), ("30d", "30 days"), ("custom", "From, to"))
DAYS = {"7d": 7, "30d": 30}
DEFAULTS = {"range": "30d", "by": "app"}
GROUPS = (("app", "App"), ("key", "key"), ("model", "model"), ("day", "day"))
SORTS = ("turns", "tokens", "cost", "error_rate")
# The number of groups to show, and the number with `rows=more`.
ROWS, MANY_ROWS = 25, 200
# Charts use hours for one day, otherwise days, weeks or months, so that there are not many more than a hundred bars.
MAX_DAYS_BY_DAY, MAX_DAYS_BY_WEEK = 92, 2 * 366


@dataclass(frozen=True, slots=True)
class Span:
    """A range of days (UTC).

    Attributes:
        since, until: the first and the last day.
        since_hour: the first hour of the first day, if the range is the last 24 hours.
    """

    since: date
    until: date
    since_hour: int | None = None

    @property
    def step(self) -> str:
        """The time that one bar of the charts covers: a group of keys.usage.reading."""
        if self.since_hour is not None:
            return "hour"
        days = (self.until - self.since).days + 1
        return "day" if days <= MAX_DAYS_BY_DAY else "week" if days <= MAX_DAYS_BY_WEEK else "month"

    @property
    def in_words(self) -> str:
        """The range in words."""
        if self.since_hour is not None:
            return f"since {self.since} {self.since_hour:02}:00 (UTC)"
        return f"{self.since} to {self.until} (UTC)" if self.since != self.until else f"{self.since} (UTC)"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which usage to sum, and how to show it.

    Attributes:
        span: the range.
        by: what to group by.
        where: the filters.
        sort: the number to sort by, one of SORTS, or "".
        rows: how many groups to show.
    """

    span: Span
    by: str
    where: Filter
    sort: str
    rows: int

    @property
    def by_word(self) -> str:
        """The label of the grouping."""
        return dict(GROUPS)[self.by]


class UsageForm(forms.Form):
    """The controls of the page. All values come from the URL; missing ones have defaults."""

    range = forms.ChoiceField(choices=RANGES, label="Range")
    by = forms.ChoiceField(choices=GROUPS, label="Grouped by")
    app = forms.ChoiceField(required=False, label="App")
    key = forms.CharField(required=False, max_length=200, label="Key")
    model = forms.ChoiceField(required=False, label="Model")

    def __init__(self, query: QueryDict, now: datetime | None = None) -> None:
        """Read the controls from a URL.

        Args:
            query: the parameters of the URL.
            now: the end of ranges that end now; by default the current time.
        """
        parameters = {name: value for name, value in query.items() if value}
        implied = {"range": "custom"} if {"from", "to"} & {*parameters} else {}
        super().__init__({**DEFAULTS, **parameters, **implied})
        self.now = (now or datetime.now(UTC)).astimezone(UTC)
        day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        # "from" is a keyword of Python, so these fields cannot be class attributes.
        self.fields["from"] = forms.DateField(required=False, widget=day, label="From")
        self.fields["to"] = forms.DateField(required=False, widget=day, label="To")
        self._offer("app", "all Apps", App.objects.order_by("slug").values_list("slug", flat=True))
        self._offer("model", "all models", Model.objects.order_by("name").values_list("name", flat=True))
        self.fields["key"].widget.attrs |= {
            "placeholder": "all keys",
            "title": f"Label, beginning or id; {WITHOUT_KEY}",
        }

    def _offer(self, name: str, everything: str, existing: Any) -> None:
        """Offer the existing Apps or models, and the chosen one, which may have been deleted."""
        names = list(existing)
        chosen = self.data.get(name)
        names += [chosen] if chosen and chosen not in names else []
        field: Any = self.fields[name]
        field.choices = [("", everything), *((choice, choice) for choice in names)]

    def clean(self) -> dict[str, Any]:
        """Resolve the names, and check the range."""
        cleaned = {**(super().clean() or {})}
        since, until = cleaned.get("from"), cleaned.get("to")
        if since and until and since > until:
            self.add_error("from", f"{since} is after {until}.")
        for name, thing, ids_of in (("app", "App", app_ids), ("key", "key", key_ids)):
            text = cleaned.get(name) or ""
            cleaned[f"{name}_ids"] = ids_of(text) if text else []
            if text and not cleaned[f"{name}_ids"]:
                self.add_error(name, ValidationError(f"There is no {thing} “{text}”."))
        return cleaned

    def usage_query(self) -> UsageQuery:
        """Return the query of the valid form."""
        cleaned, span = self.cleaned_data, self._span()
        where = Filter(
            app_ids=cleaned["app_ids"],
            key_ids=cleaned["key_ids"],
            models=[cleaned["model"]] if cleaned["model"] else [],
            since=span.since,
            until=span.until,
            since_hour=span.since_hour,
        )
        sort = self.data.get("sort", "")
        rows = MANY_ROWS if "rows" in self.data else ROWS
        return UsageQuery(span, cleaned["by"], where, sort if sort in SORTS else "", rows)

    def _span(self) -> Span:
        cleaned, today = self.cleaned_data, self.now.date()
        if cleaned["range"] == DAY:
            first = self.now - timedelta(hours=23)
            return Span(first.date(), today, first.hour)
        if cleaned["range"] in DAYS:
            return Span(today - timedelta(days=DAYS[cleaned["range"]] - 1), today)
        until = cleaned["to"] or max(today, cleaned["from"] or today)
        return Span(cleaned["from"] or until - timedelta(days=29), until)
