"""Lists that can be downloaded as CSV, with the filters and the order of the page."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps_registry.support.text.csv_cells import safe_cell

MAX_ROWS = 50_000
PARAMETER = "format"


class CsvList:
    """An admin whose list can be downloaded as CSV: the same URL with `format=csv`. It has up to MAX_ROWS rows."""

    change_list_template: Any = "admin/csv_change_list.html"
    # The columns of the file: fields of the model.
    csv_fields: tuple[str, ...] = ()
    # The columns after these, which `csv_computed` fills, and the further fields that it reads.
    csv_computed_columns: tuple[str, ...] = ()
    csv_sources: tuple[str, ...] = ()

    def csv_computed(self, row: dict[str, Any]) -> Iterable[Any]:
        """Return the values of `csv_computed_columns` for a row with the fields of the file and `csv_sources`."""
        return ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or send it as CSV."""
        query = request.GET.copy()
        formats = query.pop(PARAMETER, [])
        request.GET = query  # type: ignore[assignment]  # Django would treat the parameter as a filter
        if formats == ["csv"]:
            return self._csv(request)
        query_of_csv = query.copy()
        query_of_csv.pop("p", None)
        query_of_csv[PARAMETER] = "csv"
        context = {**(extra_context or {}), "csv_url": f"?{query_of_csv.urlencode()}"}
        return super().changelist_view(request, context)  # type: ignore[misc,no-any-return]

    def _csv(self, request: HttpRequest) -> HttpResponse:
        admin: Any = self
        if not admin.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            rows = admin.get_changelist_instance(request).get_queryset(request).select_related(None)
        except IncorrectLookupParameters:  # the page of the list reports it
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        name = f"{admin.opts.verbose_name_plural} {datetime.now(UTC):%Y-%m-%d %H%M}.csv".replace(" ", "-")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        writer = csv.writer(response, lineterminator="\n")
        writer.writerow((*self.csv_fields, *self.csv_computed_columns))
        for row in rows.values(*self.csv_fields, *self.csv_sources)[:MAX_ROWS].iterator(chunk_size=2_000):
            values = (*(row[name] for name in self.csv_fields), *self.csv_computed(row))
            writer.writerow([_cell(value) for value in values])
        return response


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return safe_cell(value)
