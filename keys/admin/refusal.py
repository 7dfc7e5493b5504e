"""The console's pages of refused calls: a list with filters, and for each call the rule and what to change."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps_registry.admin.base import MachineRowsAdmin
from apps_registry.admin.csv_list import CsvList
from apps_registry.admin.display import NOTHING, badge, code, moment
from keys.admin.refusal_filters import AppFilter, KeyFilter, RuleFilter, StatusFilter
from keys.admin.refusal_steps import next_step
from keys.models import AppKey, Refusal
from keys.refusals.explaining import explain, facts_in_words, why_there_may_be_none
from keys.refusals.limits import rule_of_limit
from keys.refusals.rules import rule_named


@admin.register(Refusal)
class RefusalAdmin(CsvList, MachineRowsAdmin[Refusal]):
    """Refused calls. The server writes and removes them; operators only read."""

    list_display = ("time", "answer", "why_in_words", "key", "app", "address", "call", "calls")
    list_display_links = ("time",)
    list_filter = (StatusFilter, RuleFilter, KeyFilter, AppFilter, "at")
    search_fields = ("=address", "=app", "=rule")
    id_columns = ("request_id",)
    search_help_text = "Request id, a network address, an App's slug, or a rule."
    ordering = ("-id",)
    csv_fields = ("at", "request_id", "status", "code", "rule", "key_id", "app", "address", "method", "path", "count")
    csv_computed_columns, csv_sources = ("refused",), ("facts",)
    fieldsets = (
        (None, {"fields": ("answer", "refused", "change")}),
        ("The call", {"fields": ("time", "request", "call", "app", "address", "key_now", "why", "compared", "calls")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Refusal | None = None) -> Any:
        """Leave out what was compared, if nothing was."""
        left_out = set() if obj is None or obj.facts else {"compared"}
        fieldsets = super().get_fieldsets(request, obj)
        return [
            (name, {**options, "fields": [field for field in options["fields"] if field not in left_out]})
            for name, options in fieldsets
        ]

    def csv_computed(self, row: dict[str, Any]) -> tuple[str]:
        """Return the rule as a sentence."""
        return (_sentence(Refusal(rule=row["rule"], app=row["app"], facts=row["facts"])),)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Say below the title what is recorded."""
        return super().changelist_view(request, {"subtitle": why_there_may_be_none(), **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refusal]:
        """Load the labels of the keys, which rows name without a foreign key."""
        label = AppKey.objects.filter(pk=OuterRef("key_id")).values("label")[:1]
        return super().get_queryset(request).annotate(key_label=Subquery(label))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Add a link to the page where the cause of the refusal can be changed."""
        row = kwargs.get("obj")
        step = next_step(request.user, row) if row is not None else None
        return super().render_change_form(request, {**context, "next_step": step}, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Refusal | None = None) -> bool:
        """Refuse: rows are removed only by age."""
        return False

    @admin.display(description="time", ordering="id")
    def time(self, refusal: Refusal) -> SafeString:
        """When the call was refused; for a count, its minute."""
        return moment(refusal.at)

    @admin.display(description="answer", ordering="status")
    def answer(self, refusal: Refusal) -> SafeString:
        """Status and error code, as the caller got them."""
        return format_html(
            "<span>{} {}</span>",
            badge("failed" if refusal.status >= 500 else "paused", str(refusal.status)),
            refusal.code,
        )

    @admin.display(description="rule", ordering="rule")
    def why(self, refusal: Refusal) -> SafeString:
        """The word for the rule, which the caller does not see."""
        return code(refusal.rule)

    @admin.display(description="rule", ordering="rule")
    def why_in_words(self, refusal: Refusal) -> SafeString:
        """The word for the rule, and the rule as a sentence."""
        return format_html(
            '<span>{} <span class="aomi-sub aomi-wrap">{}</span></span>', code(refusal.rule), _sentence(refusal)
        )

    @admin.display(description="App key")
    def key(self, refusal: Refusal) -> SafeString:
        """Link to the key that the call named, with its label while it exists."""
        if refusal.key_id is None:
            return NOTHING
        label: str | None = getattr(refusal, "key_label", None)
        return format_html('<a href="{}">{}</a>', _key_url(refusal.key_id), label or f"no. {refusal.key_id}")

    @admin.display(description="App key, now")
    def key_now(self, refusal: Refusal) -> SafeString | str:
        """The key with its present state, and a link to its page."""
        words = explain(refusal).key
        if refusal.key_id is None or not AppKey.objects.filter(pk=refusal.key_id).exists():
            return words or "none"
        return format_html('<a href="{}">{}</a>', _key_url(refusal.key_id), words)

    @admin.display(description="call")
    def call(self, refusal: Refusal) -> SafeString:
        """Method and path; there is no query string."""
        return code(f"{refusal.method} {refusal.path}".strip())

    @admin.display(description="calls", ordering="count")
    def calls(self, refusal: Refusal) -> str:
        """The number of calls that the row counts: more than one if a minute had too many for a row each."""
        return f"{refusal.count:,}"

    @admin.display(description="request id")
    def request(self, refusal: Refusal) -> SafeString | str:
        """The request id that the caller got."""
        return code(refusal.request_id) if refusal.request_id else "none: this row counts calls of one minute"

    @admin.display(description="which rule refused")
    def refused(self, refusal: Refusal) -> str:
        """The rule in words."""
        return explain(refusal).refused

    @admin.display(description="what to change")
    def change(self, refusal: Refusal) -> SafeString:
        """What an operator can do, with names and commands in a code font."""
        parts = explain(refusal).change.split("`")
        return format_html_join("", "{}", ((code(part) if at % 2 else part,) for at, part in enumerate(parts)))

    @admin.display(description="what was compared")
    def compared(self, refusal: Refusal) -> str:
        """The facts of the rule, such as a limit."""
        return facts_in_words(refusal)


def _key_url(key_id: int) -> str:
    return reverse("admin:keys_appkey_change", args=[key_id])


def _sentence(refusal: Refusal) -> str:
    return rule_of_limit(rule_named(refusal.rule), refusal).refused
