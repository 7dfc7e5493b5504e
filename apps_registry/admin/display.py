"""What all pages of the admin console share: the base of their classes, badges, moments, confirmations."""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
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
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps_registry.admin.grants import sees_apps
from apps_registry.models import App

RowT = TypeVar("RowT", bound=Model)

NOTHING = mark_safe('<span class="aomi-none">-</span>')

# The colour of each status word; any other word is shown in grey.
TONES = {
    "active": "good",
    "completed": "good",
    "default": "main",
    "expired": "warn",
    "failed": "bad",
    "inactive": "bad",
    "interrupted": "warn",
    "paused": "warn",
    "ready": "good",
    "missing": "bad",
    "processing": "main",
    "revoked": "bad",
    "running": "main",
}

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin
else:
    # At run time ModelAdmin takes no type argument; the stubs ask for one.
    class _ModelAdmin(admin.ModelAdmin, Generic[RowT]):
        pass


# No list may be filtered by such a column: each answer would give another letter of its value away.
SECRET_COLUMN = re.compile(r"(^|_)(secret|password)|(^|_)(digest|hash|nonce|token)$")


def is_secret_column(field: Any) -> bool:
    """Return whether a model's field holds what nobody may look up."""
    return not field.is_relation and SECRET_COLUMN.search(field.name) is not None


class NoSecretLookups:
    """Refuses the lookups of a list's address that ask for a secret column, here or behind a relation."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Follow the lookup from field to field."""
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
    """The habits of every list and page of the console."""

    list_per_page = 50
    empty_value_display = "-"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Head a list by what it lists."""
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[0].upper() + title[1:], **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: RowT, post_url_continue: str | None = None) -> HttpResponse:
        """Stay with what was added, whose page has what comes next; Django's own page for users does the same."""
        is_plain = IS_POPUP_VAR not in request.POST and "_addanother" not in request.POST
        if is_plain and self.has_view_or_change_permission(request, obj):
            sent: Any = request.POST.copy()
            sent["_continue"] = "1"
            request.POST = sent
        return super().response_add(request, obj, post_url_continue)

    def changeable(self, request: HttpRequest, object_id: int | str) -> RowT:
        """Return a row that the operator may change.

        Args:
            request: the operator's.
            object_id: as the page's address has it.

        Raises:
            Http404: there is no such row.
            PermissionDenied: the operator may not change it.
        """
        # Django's own: what an admin adds to it is for its form, such as a lock within the form's transaction.
        row = admin.ModelAdmin.get_object(self, request, unquote(str(object_id)))
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def done(self, request: HttpRequest, row: RowT, words: str) -> None:
        """Record what was done to a row, and tell the operator."""
        self.log_change(request, row, words)
        self.message_user(request, words, messages.SUCCESS)

    def page(
        self, request: HttpRequest, template: str, *, title: str, obj: RowT | None = None, **context: Any
    ) -> TemplateResponse:
        """Return a page of ours inside the admin's frame.

        Args:
            request: the request to answer.
            template: the page's template.
            title: its heading.
            obj: the row that it is about, for the breadcrumbs.
            context: what else the template reads.
        """
        frame = self.admin_site.each_context(request)
        own = {"title": title, "opts": self.opts, "original": obj, "media": self.media}
        return TemplateResponse(request, template, {**frame, **own, **context})


class AppPartAdmin(ConsoleAdmin[RowT]):
    """Rows that belong to an App: what operators do to them stands in the App's history too."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who sees no App adds nothing to one."""
        return super().has_add_permission(request) and sees_apps(request.user)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Record it twice."""
        self._log_for_app(request, "added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Record it twice, unless nothing changed or it is the App itself."""
        if not isinstance(obj, App):
            self._log_for_app(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Record each twice."""
        for obj in queryset:
            self._log_for_app(request, "deleted", obj)
        return super().log_deletions(request, queryset)

    def _log_for_app(self, request: HttpRequest, verb: str, obj: Any, message: Any = None) -> None:
        name = str(obj._meta.verbose_name)
        what: dict[str, Any] = {"name": name, "object": str(obj)}
        if isinstance(message, str):
            super().log_change(request, obj.app, f"{name[0].upper()}{name[1:]} “{obj}”: {message}")
            return
        if message is not None:
            what["fields"] = [field for each in message for field in each.get("changed", {}).get("fields", ())]
            if not what["fields"]:
                return
        # The form of Django's own records of inline rows, which it shows as: Added tool “get_price”.
        super().log_change(request, obj.app, [{verb: what}])


class MachineRowsAdmin(ConsoleAdmin[RowT]):
    """Rows that only the product writes: operators look at them."""

    # Counting a whole table again, for "n of m", would cost a scan per page.
    show_full_result_count = False
    # The columns of ids that a search for a whole id looks into, by their indexes.
    id_columns: tuple[str, ...] = ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RowT], search_term: str
    ) -> tuple[QuerySet[RowT], bool]:
        """Find a whole id by index, whatever its case; anything else as `search_fields` say."""
        try:
            wanted = uuid.UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        conditions = (Q((column, wanted)) for column in self.id_columns)
        return queryset.filter(reduce(or_, conditions)), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody makes them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: RowT | None = None) -> bool:
        """Nobody edits them by hand."""
        return False


def badge(word: str, text: str | None = None) -> SafeString:
    """Return a badge.

    Args:
        word: the status, which decides the colour.
        text: what it says; by default the word.
    """
    return format_html('<span class="aomi-badge is-{}">{}</span>', TONES.get(word, "quiet"), text or word)


def moment(value: datetime | None) -> SafeString:
    """Return a point in time in UTC to the minute, with the seconds in its tooltip; a dash for None."""
    if value is None:
        return NOTHING
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S}",
        f"{utc:%Y-%m-%d %H:%M}",
    )


def code(text: object) -> SafeString:
    """Return a text in the typeface of code; a dash for nothing."""
    return format_html('<code class="aomi-code">{}</code>', text) if text not in {None, ""} else NOTHING


def deletion_summary(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], parts: dict[str, int], needs: dict[str, str]
) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
    """Return what Django's deletion pages show, as counts: listing a million messages helps nobody.

    Args:
        request: its user must be allowed to delete every part.
        rows: the rows that were chosen.
        parts: name of what goes with them -> how many.
        needs: name of a part -> the permission that deleting it takes.
    """
    counted = {name: count for name, count in parts.items() if count}
    lacking = {name for name, permission in needs.items() if name in counted and not _may(request, permission)}
    names = [f"{row._meta.verbose_name}: {row}" for row in rows]
    return names, counted, lacking, []


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm(permission)
