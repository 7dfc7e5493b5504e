"""The admin page that revokes App keys: the selected ones, or all that match a description."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from apps_registry.admin.additions import added_to
from apps_registry.admin.base import ConsoleAdmin
from keys.admin.filters import is_row_id
from keys.admin.forms import RevokeForm, SelectKeysForm
from keys.models import AppKey
from keys.services import revoke_keys, selected_keys


class RevokePages:
    """The preview of a revocation, and the revocation."""

    def __init__(self, admin: ConsoleAdmin[AppKey]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns below that of the keys."""
        guard = self._admin.admin_site.admin_view
        return [path("revoke/", guard(self.revoke_view), name="keys_appkey_revoke")]

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """Show the keys (GET), then revoke those whose ids are in `ids`, separated by commas, for a reason (POST).

        A GET names the keys by `ids`, or describes them by `label`, `owner` and `app`.
        """
        if not self._admin.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST" and "ids" not in request.GET:
            return self._selection_page(request)
        sent = request.POST if request.method == "POST" else request.GET
        app_keys = self._keys(request, sent.get("ids", ""))
        if not app_keys:
            self._admin.message_user(request, "No such key.", messages.ERROR)
            return redirect("admin:keys_appkey_changelist")
        form = RevokeForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            return self._revoke(request, app_keys, form.cleaned_data["reason"])
        return self.preview(request, app_keys, form=form)

    def preview(self, request: HttpRequest, app_keys: list[AppKey], *, form: RevokeForm | None = None) -> HttpResponse:
        """Return the page that shows the keys and asks for the reason."""
        single_key = app_keys[0] if len(app_keys) == 1 else None
        title = "Revoke this key?" if single_key else "Revoke these keys?"
        return self._page(request, app_keys, title=title, obj=single_key, form=form or RevokeForm())

    def _selection_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page on which an operator describes keys; it shows the keys that match."""
        select = SelectKeysForm(request.GET or None)
        app_keys = None
        if select.is_valid() and (selection := select.selection()):
            ids = selected_keys(selection).values("pk")
            app_keys = list(self._admin.get_queryset(request).filter(pk__in=ids))
        return self._page(request, app_keys, title="Revoke several keys", select=select, form=RevokeForm())

    def _page(
        self,
        request: HttpRequest,
        app_keys: list[AppKey] | None,
        *,
        title: str,
        form: RevokeForm,
        obj: AppKey | None = None,
        select: SelectKeysForm | None = None,
    ) -> HttpResponse:
        unrevoked = [app_key for app_key in app_keys or [] if not app_key.revoked_at]
        ids = [app_key.pk for app_key in unrevoked]
        overlapping = AppKey.objects.usable().filter(successor__in=ids).exclude(pk__in=ids)
        context = {
            "form": form,
            "select": select,
            "is_selected": app_keys is not None,
            "unrevoked": unrevoked,
            "overlapping": overlapping.order_by("pk"),
            "revoked": len(app_keys or []) - len(unrevoked),
            "ids": ",".join(map(str, ids)),
            **(added_to("revoke keys", request, unrevoked) if unrevoked else {}),
        }
        return self._admin.page(request, "admin/keys/appkey/revoke.html", title=title, obj=obj, **context)

    def _keys(self, request: HttpRequest, ids: str) -> list[AppKey]:
        numbers = [int(text) for text in ids.split(",") if is_row_id(text)]
        return list(self._admin.get_queryset(request).filter(pk__in=numbers))

    def _revoke(self, request: HttpRequest, app_keys: list[AppKey], reason: str) -> HttpResponse:
        operator = request.user if request.user.is_authenticated else None
        with transaction.atomic():
            rows = AppKey.objects.select_for_update().filter(pk__in=[k.pk for k in app_keys], revoked_at=None)
            unrevoked = list(rows.order_by("pk"))
            revoke_keys(
                [app_key.pk for app_key in unrevoked], by=operator, through=AppKey.RevokedThrough.ADMIN, reason=reason
            )
            for app_key in unrevoked:
                self._admin.log_change(request, app_key, f"Revoked: {reason}")
        count = "1 key is" if len(unrevoked) == 1 else f"{len(unrevoked)} keys are"
        self._admin.message_user(request, f"{count} revoked. It takes effect with the next request.", messages.SUCCESS)
        if len(app_keys) == 1:
            return redirect("admin:keys_appkey_change", app_keys[0].pk)
        return redirect("admin:keys_appkey_changelist")
