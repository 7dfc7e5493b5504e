"""The console's pages for App keys: list, view, edit; issuing, rotating and revoking have modules of their own."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.display import NOTHING, badge, code, moment, money
from apps_registry.admin.grants import apps_to_open, sees_apps
from keys.admin.filters import (
    EXPIRING,
    USAGE_DAYS,
    CostFilter,
    LastUseFilter,
    OwnerFilter,
    StatusFilter,
    notice,
    used_since,
)
from keys.admin.forms import AppKeyForm, AppsField, ReleaseField
from keys.admin.issue_pages import IssuePages
from keys.admin.key_page import key_page
from keys.admin.limit_pages import LimitPages
from keys.admin.revoke_pages import RevokePages
from keys.admin.rotate_pages import RotatePages
from keys.models import BY_COMMAND, AppKey, Usage

THE_KEY = ("key", "state", "lookup", "created", "issuer", "last_used")
EDITABLE = ("label", "owner", "note", "apps", "channel", "release", "expires_at")
ABOUT = (
    "The key itself was shown once, when it was issued; only a hash of it is stored. A lost key cannot be recovered: "
    "issue a new one and revoke this one."
)
SOURCES = ("allowed_origins", "allowed_networks")


@admin.register(AppKey)
class AppKeyAdmin(ConsoleAdmin[AppKey]):
    """App keys. They are issued and revoked but never deleted, so that the record of their use remains."""

    form = AppKeyForm
    actions = ("revoke_selected",)
    list_display = ("key", "label", "owner", "scope", "state", "last_used", "spent")
    list_display_links = ("key", "label")
    list_filter = (
        *(StatusFilter, LastUseFilter, OwnerFilter, CostFilter, "apps", "channel"),
        ("created_by", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("created_by", "last_used_app")
    search_fields = ("label", "owner", "prefix", "lookup_id")
    search_help_text = "Label, owner, or the beginning of a key. Do not paste a whole key here."
    ordering = ("-created_at",)
    readonly_fields = (*THE_KEY, "rotation", "revocation")
    change_form_template = "admin/keys/appkey/change_form.html"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._issue_pages, self._rotate_pages = IssuePages(self), RotatePages(self)
        self._revoke_pages, self._limit_pages = RevokePages(self), LimitPages(self)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppKey]:
        """Keys with their scopes, in one extra query per list, and what they cost; hashes are not fetched."""
        used = Usage.objects.filter(app_key_id=OuterRef("pk"), day__gte=used_since()).values("app_key_id")
        keys = super().get_queryset(request).prefetch_related("apps").defer("secret_hash", "secret_check")
        return keys.annotate(cost=Subquery(used.annotate(total=Sum("cost")).values("total")))

    def get_fieldsets(self, request: HttpRequest, obj: AppKey | None = None) -> Any:
        """Show rotation and revocation only where there is one."""
        shown = [*THE_KEY]
        if obj and (obj.rotated_from or obj.successor_or_none):
            shown.append("rotation")
        if obj and obj.revoked_at:
            shown.append("revocation")
        return (
            ("The key", {"fields": shown, "description": ABOUT, "classes": ("collapse",)}),
            ("Label, scope and expiry", {"fields": EDITABLE}),
            ("Where it may be used", {"fields": SOURCES}),
        )

    @admin.display(description="key", ordering="prefix")
    def key(self, app_key: AppKey) -> SafeString:
        """The beginning of the key, for recognising it."""
        return code(f"{app_key.prefix}…")

    @admin.display(description="Apps")
    def scope(self, app_key: AppKey) -> SafeString | str:
        """The Apps that the key opens, and its channel if that is not what is live."""
        names = ", ".join(sorted(app.slug for app in app_key.apps.all()))
        if app_key.channel == AppKey.Channel.LIVE or not names:
            return names or NOTHING
        return format_html('{} <span class="aomi-sub">{}</span>', names, app_key.get_channel_display().lower())

    @admin.display(description="status", ordering="expires_at")
    def state(self, app_key: AppKey) -> SafeString:
        """Active, expired or revoked, with the relevant time."""
        detail: SafeString | str = "does not expire"
        word: str = app_key.status
        if app_key.revoked_at:
            detail = moment(app_key.revoked_at)
        elif app_key.expires_at:
            if word == "active" and app_key.expires_at < timezone.now() + notice():
                word = EXPIRING
            detail = format_html("{} {}", "expired" if word == "expired" else "expires", moment(app_key.expires_at))
        text = "expires soon" if word == EXPIRING else word
        return format_html('{} <span class="aomi-sub">{}</span>', badge(word, text), detail)

    @admin.display(description="lookup id")
    def lookup(self, app_key: AppKey) -> SafeString:
        """The public part that finds the row of a presented key."""
        return code(app_key.lookup_id)

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, app_key: AppKey) -> SafeString | str:
        """When a request last used the key, for which App and from where; at most a minute behind."""
        if app_key.last_used_at is None:
            return "never"
        slug = app_key.last_used_app.slug if app_key.last_used_app else ""
        where = " ".join(filter(None, (slug, app_key.last_used_address and f"from {app_key.last_used_address}")))
        return format_html('{} <span class="aomi-sub aomi-wrap">{}</span>', moment(app_key.last_used_at), where)

    @admin.display(description=f"cost, {USAGE_DAYS} days", ordering="cost")
    def spent(self, app_key: Any) -> str | SafeString:
        """What the key has cost, as far as its models have prices."""
        return money(app_key.cost) or NOTHING

    @admin.display(description="created by", ordering="created_by")
    def issuer(self, app_key: AppKey) -> str:
        """The operator who issued the key. Operators are never deleted, so only keys issued by command have none."""
        return str(app_key.created_by or BY_COMMAND)

    @admin.display(description="issued")
    def created(self, app_key: AppKey) -> SafeString:
        return moment(app_key.created_at)

    @admin.display(description="rotation")
    def rotation(self, app_key: AppKey) -> SafeString | str:
        """The key before this one, and the one after it."""
        parts = [("Takes the place of", app_key.rotated_from), ("Replaced by", app_key.successor_or_none)]
        links = [
            format_html('{} <a href="{}">{}</a>', words, reverse("admin:keys_appkey_change", args=[other.pk]), other)
            for words, other in parts
            if other
        ]
        return format_html("{}. {}", links[0], links[1]) if len(links) > 1 else format_html("{}.", links[0])

    @admin.display(description="revoked")
    def revocation(self, app_key: AppKey) -> SafeString:
        """By whom, when and why."""
        by = f"by {app_key.revoker}" if app_key.revoker else ""
        return format_html("{} {}. {}", moment(app_key.revoked_at), by, app_key.revoke_reason or "No reason given.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An operator who sees no App cannot issue keys."""
        return super().has_add_permission(request) and sees_apps(request.user)

    def get_form(self, request: HttpRequest, obj: AppKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer the Apps that the operator may grant, those that the key opens already, and their releases."""
        form = super().get_form(request, obj, change, **kwargs)
        apps = apps_to_open(request.user, obj.apps.all() if obj else None)
        scope, release = form.base_fields.get("apps"), form.base_fields.get("release")
        if isinstance(scope, AppsField):
            scope.queryset = apps.order_by("slug")
        if isinstance(release, ReleaseField):
            release.offer(apps)
        return form

    def has_delete_permission(self, request: HttpRequest, obj: AppKey | None = None) -> bool:
        """Keys are revoked instead; deletion would also remove their history."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AppKey | None = None) -> bool:
        """A revoked key can be viewed but not changed."""
        return super().has_change_permission(request, obj) and not (obj and obj.revoked_at)

    def save_model(self, request: HttpRequest, obj: AppKey, form: Any, change: bool) -> None:
        """Write only the edited columns: requests write `last_used_at`, and saving must not undo a revocation."""
        changed = {name for name in form.changed_data if name != "apps"}
        if changed & {"channel", "release"}:  # one decides whether the other counts
            changed |= {"channel", "release"}
        obj.save(update_fields=sorted(changed))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that limit, rotate and revoke keys."""
        pages = (self._limit_pages, self._rotate_pages, self._revoke_pages)
        return [*(url for page in pages for url in page.urls()), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Issue a key: keys are not created by saving."""
        return self._issue_pages.add_view(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Hide "save and add another": keys are not created by saving."""
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "show_save_and_add_another": False}
        )

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Show what the key was used for, what is left of its limits, and what was refused."""
        if app_key := kwargs.get("obj"):
            context |= key_page(request, app_key)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> HttpResponse:
        """Ask for confirmation; the form leads to the page that revokes."""
        return self._revoke_pages.preview(request, list(queryset))
