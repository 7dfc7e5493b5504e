"""The console's pages for App keys: issue, view, edit scope and expiry, revoke."""

from typing import Any, get_args
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_variables

from apps_registry.admin.display import NOTHING, ConsoleAdmin, badge, code, moment
from apps_registry.admin.grants import apps_to_open, sees_apps
from keys.admin.forms import AppKeyForm, AppsField, IssueKeyForm
from keys.models import BY_COMMAND, AppKey
from keys.services import IssuedKey, issue_key, revoke_key
from keys.usability import Status, has_status

PLACES = ("allowed_origins", "allowed_networks")
EDITABLE_COLUMNS = ("label", "expires_at", *PLACES)


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, status.capitalize()) for status in get_args(Status)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> QuerySet[AppKey]:
        """The keys whose AppKey.status has the chosen value."""
        chosen = self.value()
        statuses: tuple[Status, ...] = get_args(Status)
        return next((queryset.filter(has_status(status)) for status in statuses if status == chosen), queryset)


@admin.register(AppKey)
class AppKeyAdmin(ConsoleAdmin[AppKey]):
    """App keys. They are issued and revoked but never deleted, so that the record of their use remains."""

    form = AppKeyForm
    actions = ("revoke_selected",)
    list_display = ("key", "label", "scope", "state", "last_used", "issuer")
    list_display_links = ("key", "label")
    list_filter = (StatusFilter, "apps", ("created_by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("created_by",)
    search_fields = ("label", "prefix", "lookup_id")
    search_help_text = "Label, or the beginning of a key. Do not paste a whole key here."
    ordering = ("-created_at",)
    readonly_fields = ("key", "state", "lookup", "created", "issuer", "last_used")
    fieldsets = (
        (
            "The key",
            {
                "fields": ("key", "state", "lookup", "created", "issuer", "last_used"),
                "description": "The key itself was shown once, when it was issued; only a hash of it is stored. A lost "
                "key cannot be recovered: issue a new one and revoke this one.",
            },
        ),
        ("Label, scope and expiry", {"fields": ("label", "apps", "expires_at")}),
        ("Where it may be used", {"fields": PLACES}),
    )
    change_form_template = "admin/keys/appkey/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppKey]:
        """Keys with their scopes, in one extra query per list; hashes are not fetched."""
        return super().get_queryset(request).prefetch_related("apps").defer("secret_hash", "secret_check")

    @admin.display(description="key", ordering="prefix")
    def key(self, app_key: AppKey) -> SafeString:
        """The beginning of the key, for recognising it."""
        return code(f"{app_key.prefix}…")

    @admin.display(description="Apps")
    def scope(self, app_key: AppKey) -> SafeString | str:
        """The Apps that the key opens."""
        return ", ".join(sorted(app.slug for app in app_key.apps.all())) or NOTHING

    @admin.display(description="status", ordering="expires_at")
    def state(self, app_key: AppKey) -> SafeString:
        """Active, expired or revoked, with the relevant time."""
        detail: SafeString | str = "does not expire"
        if app_key.revoked_at:
            detail = moment(app_key.revoked_at)
        elif app_key.expires_at:
            word = "since" if app_key.status == "expired" else "until"
            detail = format_html("{} {}", word, moment(app_key.expires_at))
        return format_html('{} <span class="aomi-sub">{}</span>', badge(app_key.status), detail)

    @admin.display(description="lookup id")
    def lookup(self, app_key: AppKey) -> SafeString:
        """The public part that finds the row of a presented key."""
        return code(app_key.lookup_id)

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, app_key: AppKey) -> SafeString | str:
        """When a request last used the key."""
        return moment(app_key.last_used_at) if app_key.last_used_at else "never"

    @admin.display(description="created by", ordering="created_by")
    def issuer(self, app_key: AppKey) -> str:
        """The operator who issued the key. Operators are never deleted, so only keys issued by command have none."""
        return str(app_key.created_by or BY_COMMAND)

    @admin.display(description="issued")
    def created(self, app_key: AppKey) -> SafeString:
        return moment(app_key.created_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An operator who sees no App cannot issue keys."""
        return super().has_add_permission(request) and sees_apps(request.user)

    def get_form(self, request: HttpRequest, obj: AppKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer the Apps that the operator may grant, and those that the key opens already."""
        form = super().get_form(request, obj, change, **kwargs)
        field = form.base_fields.get("apps")
        if isinstance(field, AppsField):
            field.queryset = apps_to_open(request.user, obj.apps.all() if obj else None).order_by("slug")
        return form

    def has_delete_permission(self, request: HttpRequest, obj: AppKey | None = None) -> bool:
        """Keys are revoked instead; deletion would also remove their history."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AppKey | None = None) -> bool:
        """A revoked key can be viewed but not changed."""
        return super().has_change_permission(request, obj) and not (obj and obj.revoked_at)

    def save_model(self, request: HttpRequest, obj: AppKey, form: Any, change: bool) -> None:
        """Write only the edited columns: requests write `last_used_at`, and saving must not undo a revocation."""
        obj.save(update_fields=[name for name in EDITABLE_COLUMNS if name in form.changed_data])

    def get_urls(self) -> list[URLPattern]:
        """Add the page that revokes keys."""
        revoke_url = path("revoke/", self.admin_site.admin_view(self.revoke_view), name="keys_appkey_revoke")
        return [revoke_url, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Hide "save and add another": keys are not created by saving."""
        context = {**(extra_context or {}), "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, context)

    # --- Issue --------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask what the key is for (GET), then issue it and show it once, in this response (POST)."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            form = IssueKeyForm(apps=apps_to_open(request.user), initial={"apps": request.GET.getlist("apps")})
            return self._issue_page(request, form)
        form = IssueKeyForm(request.POST, apps=apps_to_open(request.user))
        return self._issue(request, form) if form.is_valid() else self._issue_page(request, form)

    def _issue_page(self, request: HttpRequest, form: IssueKeyForm) -> HttpResponse:
        return self.page(request, "admin/keys/appkey/issue.html", title="Issue an App key", form=form)

    @sensitive_variables("issued")
    def _issue(self, request: HttpRequest, form: IssueKeyForm) -> HttpResponse:
        """Issue a key, unless this instance of the form has already issued one (reload, back button, double click)."""
        form_id: UUID = form.cleaned_data["form_id"]
        try:
            with transaction.atomic():
                # Lock per operator, so that the second of two identical submissions sees the record of the first.
                get_user_model().objects.select_for_update(no_key=True).get(pk=_operator_id(request))
                if earlier := _issued_by(request, form_id):
                    return self._replay_page(request, earlier)
                issued = issue_key(
                    label=form.cleaned_data["label"],
                    apps=form.cleaned_data["apps"],
                    expires_at=form.cleaned_data["expires_at"],
                    origins=form.cleaned_data["allowed_origins"],
                    networks=form.cleaned_data["allowed_networks"],
                    created_by=request.user if request.user.is_authenticated else None,
                )
                self.log_addition(request, issued.app_key, [{"added": {}}, {"form": str(form_id)}])
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self._issue_page(request, form)
        return self._issued_page(request, issued, form)

    @sensitive_variables("issued")
    def _issued_page(self, request: HttpRequest, issued: IssuedKey, form: IssueKeyForm) -> HttpResponse:
        apps = sorted(form.cleaned_data["apps"], key=lambda app: (not app.is_active, app.slug))
        response = self.page(
            request,
            "admin/keys/appkey/issued.html",
            title="Copy the key now",
            issued=issued,
            apps=apps,
            example=apps[0],
            key_header=settings.APP_KEY_HEADERS[0],
        )
        response["Cache-Control"] = "no-store"
        return response

    def _replay_page(self, request: HttpRequest, app_key: AppKey) -> HttpResponse:
        page = self.page(
            request,
            "admin/keys/appkey/already_issued.html",
            title="This key was already issued",
            app_key=app_key,
        )
        page.status_code = 409
        return page

    # --- Revoke -------------------------------------------------------------------------------------

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> HttpResponse:
        """Ask for confirmation; the form leads to `revoke_view`."""
        return self._revoke_page(request, list(queryset))

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for confirmation (GET), then revoke the keys whose ids are in `ids`, separated by commas (POST)."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        key_ids = (request.POST if request.method == "POST" else request.GET).get("ids", "").split(",")
        ids = [int(text) for text in key_ids if text.isascii() and text.isdigit() and len(text) < 19]
        app_keys = list(self.get_queryset(request).filter(pk__in=ids))
        if not app_keys:
            self.message_user(request, "No such key.", messages.ERROR)
            return redirect("admin:keys_appkey_changelist")
        if request.method == "POST":
            return self._revoke(request, app_keys)
        return self._revoke_page(request, app_keys)

    def _revoke_page(self, request: HttpRequest, app_keys: list[AppKey]) -> HttpResponse:
        unrevoked = [app_key for app_key in app_keys if not app_key.revoked_at]
        context = {
            "unrevoked": unrevoked,
            "revoked": len(app_keys) - len(unrevoked),
            "ids": ",".join(str(k.pk) for k in unrevoked),
        }
        single_key = app_keys[0] if len(app_keys) == 1 else None
        title = "Revoke this key?" if single_key else "Revoke these keys?"
        return self.page(request, "admin/keys/appkey/revoke.html", title=title, obj=single_key, **context)

    def _revoke(self, request: HttpRequest, app_keys: list[AppKey]) -> HttpResponse:
        with transaction.atomic():
            rows = AppKey.objects.select_for_update().filter(pk__in=[k.pk for k in app_keys], revoked_at=None)
            done = [revoke_key(app_key) for app_key in rows.order_by("pk")]
            for app_key in done:
                self.log_change(request, app_key, "Revoked.")
        count = "1 key is" if len(done) == 1 else f"{len(done)} keys are"
        self.message_user(request, f"{count} revoked, from the next request on.", messages.SUCCESS)
        if len(app_keys) == 1:
            return redirect("admin:keys_appkey_change", app_keys[0].pk)
        return redirect("admin:keys_appkey_changelist")


def _issued_by(request: HttpRequest, form_id: UUID) -> AppKey | None:
    """Return the key that this operator has issued with this form instance, according to the audit log."""
    records = LogEntry.objects.filter(
        user_id=_operator_id(request),
        content_type=ContentType.objects.get_for_model(AppKey),
        action_flag=ADDITION,
        change_message__contains=str(form_id),
    )
    record = records.first()
    return AppKey.objects.filter(pk=int(record.object_id)).first() if record and record.object_id else None


def _operator_id(request: HttpRequest) -> int:
    if request.user.pk is None:  # cannot happen: the admin requires a login
        raise PermissionDenied
    return request.user.pk
