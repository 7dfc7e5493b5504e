"""The console's page that makes another App the default one."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from apps_registry.admin_display import ConsoleAdmin
from apps_registry.default_app import make_default
from apps_registry.models import App


class DefaultAppPage:
    """What the switch means, and the switch."""

    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        """Take the admin of the Apps, in whose frame the page stands."""
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the address below an App's."""
        view = self._admin.admin_site.admin_view(self.make_default_view)
        return [path("<int:app_id>/make-default/", view, name="apps_registry_app_make_default")]

    def make_default_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Explain the switch (GET), then do it (POST)."""
        app = App.objects.filter(pk=app_id).first()
        if app is None:
            raise Http404
        if not self._admin.has_change_permission(request, app):
            raise PermissionDenied
        if request.method == "POST":
            self._switch_default(request, app)
            return redirect("admin:apps_registry_app_change", app.pk)
        current = App.objects.filter(is_default=True).exclude(pk=app.pk).first()
        return self._admin.page(
            request,
            "admin/apps_registry/app/make_default.html",
            title=f"Make “{app.slug}” the default App?",
            obj=app,
            app=app,
            current=current,
        )

    def _switch_default(self, request: HttpRequest, app: App) -> None:
        try:
            former = make_default(app)
        except ValidationError as error:
            self._admin.message_user(request, error.messages[0], messages.ERROR)
            return
        if former:
            self._admin.log_change(request, former, f"No longer the default App; “{app.slug}” is.")
            self._admin.log_change(request, app, f"Made the default App in place of “{former.slug}”.")
        self._admin.message_user(
            request, f"“{app.slug}” is the default App: callers use it without a key.", messages.SUCCESS
        )
