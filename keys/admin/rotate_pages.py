"""The admin pages that rotate an App key and end its overlap."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from apps_registry.admin.additions import added_to
from apps_registry.admin.base import ConsoleAdmin
from keys.admin.forms import RotateKeyForm
from keys.admin.issue_pages import issued_page
from keys.models import AppKey
from keys.services import IssuedKey, Rotation, end_overlap, rotate_key


class RotatePages:
    """The pages behind the button "Rotate" of a key's page."""

    def __init__(self, admin: ConsoleAdmin[AppKey]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns below that of the keys."""
        guard = self._admin.admin_site.admin_view
        return [
            path("<int:key_id>/rotate/", guard(self.rotate_view), name="keys_appkey_rotate"),
            path("<int:key_id>/end-overlap/", guard(require_POST(self.end_view)), name="keys_appkey_end_overlap"),
        ]

    def rotate_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Ask for the overlap (GET), then issue the successor and show it once, in this response (POST)."""
        if not self._admin.has_add_permission(request):  # it issues a key
            raise PermissionDenied
        key = self._admin.changeable(request, key_id)
        form = RotateKeyForm(request.POST if request.method == "POST" else None)
        if key.successor_or_none or not form.is_valid():
            return self._form_page(request, key, form)
        return self._rotate(request, key, form)

    @sensitive_variables("rotation")
    def _rotate(self, request: HttpRequest, key: AppKey, form: RotateKeyForm) -> HttpResponse:
        operator = request.user if request.user.is_authenticated else None
        try:
            with transaction.atomic():
                rotation = rotate_key(key, overlap=form.cleaned_data["overlap"], by=operator)
                if rotation.plain:
                    self._record(request, rotation)
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self._form_page(request, key, form)
        if rotation.plain is None:
            return self._form_page(request, rotation.old, form)
        issued = IssuedKey(app_key=rotation.successor, plain=rotation.plain)
        return issued_page(self._admin, request, issued, old=rotation.old)

    def _record(self, request: HttpRequest, rotation: Rotation) -> None:
        self._admin.log_addition(request, rotation.successor, f"Issued in place of {rotation.old.prefix}….")
        self._admin.log_change(request, rotation.old, f"Rotated: {rotation.successor.prefix}… takes its place.")

    def _form_page(self, request: HttpRequest, key: AppKey, form: RotateKeyForm) -> HttpResponse:
        """Return the form, or the page that says that the key has its successor already: a second POST gets 409."""
        successor = key.successor_or_none
        title = "This key was already rotated" if successor else "Rotate this key?"
        template = "admin/keys/appkey/rotate.html"
        stops = {} if successor else added_to("revoke keys", request, [key])
        page = self._admin.page(request, template, title=title, obj=key, form=form, successor=successor, **stops)
        if successor and request.method == "POST":
            page.status_code = 409
        return page

    def end_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Let a rotated key expire now."""
        key = self._admin.changeable(request, key_id)
        try:
            end_overlap(key)
            self._admin.done(request, key, "The overlap has ended: this key has expired.")
        except ValidationError as error:
            self._admin.message_user(request, error.messages[0], messages.ERROR)
        return redirect("admin:keys_appkey_change", key.pk)
