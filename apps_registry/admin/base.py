"""Base classes of the admin pages, and summaries of what a deletion includes."""

import re
import uuid
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from apps_registry.admin.display import NOTHING
from apps_registry.admin.grants import sees_apps
from apps_registry.models import App

RowT = TypeVar("RowT", bound=Model)

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin
else:
    # ModelAdmin takes no type argument at run time, but the stubs require one.
    class _ModelAdmin(admin.ModelAdmin, Generic[RowT]):
        pass


# Lists cannot be filtered by these columns: each response would reveal another letter of the value.
SECRET_COLUMN = re.compile(r"(^|_)(secret|password)|(^|_)(digest|hash|nonce|token)$")


def is_secret_column(field: Any) -> bool:
    """Tell whether a field contains a secret that must not be filtered by."""
    return not field.is_relation and SECRET_COLUMN.search(field.name) is not None


class LabelledFields:
    """Names the parts of fields that have more than one input, such as a date and a time, for screen readers."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        parts = getattr(getattr(field, "widget", None), "widgets", ())
        for part, word in zip(parts, ("date", "time"), strict=False):
            part.attrs.setdefault("aria-label", f"{field.label}: {word}")
        return field


class NamedPages:
    """Gives a row's page the name of the row as its heading."""

    def heading(self, row: Any) -> str:
        """Return the heading of a row's page: its name, by default."""
        return str(row)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Use the name of the row as heading, such as "support", instead of an action ("Change App")."""
        row: Any = kwargs.get("obj")
        heading = self.heading(row) if row is not None else f"New {self.opts.verbose_name}"  # type: ignore[attr-defined]
        named = {**context, "title": heading, "subtitle": None}
        return super().render_change_form(request, named, *args, **kwargs)  # type: ignore[misc]


class NoSecretLookups(LabelledFields, NamedPages):
    """Refuses filters in a list's URL by a secret column, also through relations."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        model: Any = self.model  # type: ignore[attr-defined]
        for name in lookup.split("__"):
            try:
                field = model._meta.get_field(model._meta.pk.name if name == "pk" else name)
            except FieldDoesNotExist:  # a transform, or a lookup such as startswith
                break
            if is_secret_column(field):
                return False
            if field.related_model is None:
                break
            model = field.related_model
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]


class ConsoleAdmin(NoSecretLookups, _ModelAdmin[RowT]):
    """The base class of all admin classes of this project."""

    rows_name = ""  # what a list calls its rows; empty: the plural of the model
    list_per_page = 50
    empty_value_display = NOTHING
    # Counts next to the choices of a filter would need a scan of the table for each choice.
    show_facets = admin.ShowFacets.NEVER

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[0].upper() + title[1:], **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: RowT, post_url_continue: str | None = None) -> HttpResponse:
        """Stay on the page of the added row, which has the next steps; Django's user admin does the same."""
        is_plain = IS_POPUP_VAR not in request.POST and "_addanother" not in request.POST
        if is_plain and self.has_view_or_change_permission(request, obj):
            sent: Any = request.POST.copy()
            sent["_continue"] = "1"
            request.POST = sent
        return super().response_add(request, obj, post_url_continue)

    def changeable(self, request: HttpRequest, object_id: int | str) -> RowT:
        """Return a row that the operator may change.

        Args:
            request: the request of the operator.
            object_id: the id in the URL.

        Raises:
            Http404: there is no such row.
            PermissionDenied: the operator may not change it.
        """
        # Django's own method: subclasses override it for their form, such as to lock the row.
        row = admin.ModelAdmin.get_object(self, request, unquote(str(object_id)))
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def done(self, request: HttpRequest, row: RowT, message: str) -> None:
        """Record an action on a row in its history, and report it to the operator."""
        self.log_change(request, row, message)
        self.message_user(request, message, messages.SUCCESS)

    def tell_of_draft(self, request: HttpRequest, app: App) -> None:
        """Say after a change of what releases hold that callers get it later, if the App has a live release."""
        if app.live_release_id is None:
            return
        publish = format_html("publish {}", app.slug)
        if sees_apps(request.user):
            url = reverse("admin:apps_registry_app_releases", args=[app.pk])
            publish = format_html('<a href="{}">{}</a>', url, publish)
        notice = format_html("It is saved in the draft. Callers get it when you {}.", publish)
        self.message_user(request, notice, messages.INFO)

    def page(
        self, request: HttpRequest, template: str, *, title: str, obj: RowT | None = None, **context: Any
    ) -> TemplateResponse:
        """Return a custom page within the layout of the admin.

        Args:
            request: the request to answer.
            template: the page's template.
            title: its heading.
            obj: the row that the page is about, for the breadcrumbs.
            context: additional template context.
        """
        site_context = self.admin_site.each_context(request)
        page_context = {"title": title, "opts": self.opts, "original": obj, "media": self.media}
        return TemplateResponse(request, template, {**site_context, **page_context, **context})


class AppPartAdmin(ConsoleAdmin[RowT]):
    """Rows that belong to an App; changes to them are also recorded in the history of the App."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require permission to see Apps, since a new row belongs to one."""
        return super().has_add_permission(request) and sees_apps(request.user)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        self.tell_of_draft(request, obj.app)
        return response

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        response = super().response_change(request, obj)
        self.tell_of_draft(request, obj.app)
        return response

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        self._log_for_app(request, "added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Record a change in both histories, unless nothing changed or the object is the App itself."""
        if not isinstance(obj, App):
            self._log_for_app(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._log_for_app(request, "deleted", obj)
        return super().log_deletions(request, queryset)

    def _log_for_app(self, request: HttpRequest, verb: str, obj: Any, message: Any = None) -> None:
        name = str(obj._meta.verbose_name)
        entry: dict[str, Any] = {"name": name, "object": str(obj)}
        if isinstance(message, str):
            super().log_change(request, obj.app, f"{name[0].upper()}{name[1:]} “{obj}”: {message}")
            return
        if message is not None:
            entry["fields"] = [field for part in message for field in part.get("changed", {}).get("fields", ())]
            if not entry["fields"]:
                return
        # The format of Django's own log entries for inlines, which it shows as: Added tool “get_price”.
        super().log_change(request, obj.app, [{verb: entry}])


class MachineRowsAdmin(ConsoleAdmin[RowT]):
    """Rows that only the server writes; operators can only view them."""

    # Counting the whole table for "n of m" would cost a scan per page.
    show_full_result_count = False
    # The indexed id columns that a search for a complete id uses.
    id_columns: tuple[str, ...] = ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RowT], search_term: str
    ) -> tuple[QuerySet[RowT], bool]:
        """Find a complete id through its index; search for anything else in `search_fields`."""
        try:
            row_id = uuid.UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        conditions = (Q((column, row_id)) for column in self.id_columns)
        return queryset.filter(reduce(or_, conditions)), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RowT | None = None) -> bool:
        return False


def deletion_summary(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], parts: dict[str, int], needs: dict[str, str]
) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
    """Return the data of Django's deletion pages with counts instead of lists, which could have millions of rows.

    Args:
        request: the request of the operator, whose permissions are checked.
        rows: the rows to delete.
        parts: number of rows that are deleted with them, by name.
        needs: required permission to delete a part, by name.
    """
    counted = {name: count for name, count in parts.items() if count}
    lacking = {name for name, permission in needs.items() if name in counted and not _may(request, permission)}
    names = [f"{row._meta.verbose_name}: {row}" for row in rows]
    return names, counted, lacking, []


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm(permission)
