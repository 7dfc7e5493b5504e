"""The view of the usage page, and of its CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from aomi_site.console.tiles import Tile
from aomi_site.console.usage.drawing import charts_of
from aomi_site.console.usage.links import Links, RowLinks
from aomi_site.console.usage.report import all_groups, make_report, name_of
from aomi_site.console.usage.usage_query import GROUPS, RANGES, ROWS, SORTS, UsageForm, UsageQuery
from apps_registry.admin.figures import COUNT, MONEY, SHARE, TIME
from keys.usage.plain import write_csv
from keys.usage.reading import UsageRow

PERMISSION = "keys.view_usage"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    name: str
    row: UsageRow
    links: RowLinks


def usage_view(request: HttpRequest) -> HttpResponse:
    """Show the usage, or send it as CSV (`format=csv`); aomi_site/urls.py requires the admin login."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = UsageForm(request.GET)
    if not form.is_valid():
        return _page(request, form, {}, status=400)
    usage_query = form.usage_query()
    if request.GET.get("format") == "csv":
        return _csv(usage_query)
    report = make_report(usage_query)
    links = Links(request.user, usage_query, request.GET, report.groups)
    context = {
        "usage_query": usage_query,
        "tiles": list(_tiles(report.total, links)),
        "charts": list(charts_of(report, usage_query.span.step)),
        "lines": [Line(name_of(row, usage_query.by), row, links.of(row)) for row in report.groups],
        "total": report.total,
        "total_turns": links.turns(report.total),
        "total_errors": links.turns(report.total, status__exact="failed"),
        "more": report.more,
        "more_rows": links.with_query({"rows": "more"}) if usage_query.rows == ROWS else "",
        "ranges": [
            (words, links.with_query({"range": name, "from": None, "to": None}), name) for name, words in RANGES
        ],
        "groupings": [(words, links.with_query({"by": name, "rows": None}), name) for name, words in GROUPS],
        "sorts": {name: links.with_query({"sort": name}) for name in SORTS},
        "sort": usage_query.sort or ("turns" if usage_query.by != "day" else ""),
        "csv": links.with_query({"format": "csv"}),
    }
    return _page(request, form, context)


def _page(request: HttpRequest, form: UsageForm, context: dict[str, Any], status: int = 200) -> TemplateResponse:
    everything = {**admin.site.each_context(request), "title": "Usage", "form": form, **context}
    return TemplateResponse(request, "admin/console/usage.html", everything, status=status)


def _csv(usage_query: UsageQuery) -> HttpResponse:
    name = f"usage-by-{usage_query.by}-{usage_query.span.since}-{usage_query.span.until}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    write_csv(response, all_groups(usage_query), [usage_query.by])
    return response


def _tiles(total: UsageRow, links: Links) -> Iterator[Tile]:
    """Yield the sums at the top of the page."""
    unpriced = f"without {COUNT.short(total.unpriced_tokens)} tokens of models that have no price"
    lacks = unpriced if total.lacks_money else ""
    yield Tile("Cost", MONEY.short(total.cost), lacks, title=MONEY.exact(total.cost))
    yield Tile("Turns", COUNT.short(total.turns), url=links.turns(total), title=COUNT.exact(total.turns))
    tokens = f"{COUNT.short(total.prompt_tokens)} in, {COUNT.short(total.completion_tokens)} out"
    yield Tile("Tokens", COUNT.short(total.tokens), tokens, title=COUNT.exact(total.tokens))
    failed = f"{COUNT.short(total.errors)} failed" if total.errors else ""
    yield Tile("Errors", SHARE.short(total.error_rate), failed, url=links.turns(total, status__exact="failed"))
    yield Tile("Latency, p50", TIME.short(total.latency_p50_ms), f"p95 {TIME.short(total.latency_p95_ms)}")
    first = total.first_token_p50_ms
    yield Tile("First token, p50", TIME.short(first), f"p95 {TIME.short(total.first_token_p95_ms)}")
