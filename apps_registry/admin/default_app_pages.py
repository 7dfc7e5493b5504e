"""The admin page that makes another App the default App."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.models import App
from apps_registry.services.default_app import make_default


class DefaultAppPages:
    """The page that explains and confirms the change of the default App."""

    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL pattern below that of the Apps."""
        view = self._admin.admin_site.admin_view(self.make_default_view)
        return [path("<int:app_id>/make-default/", view, name="apps_registry_app_make_default")]

    def make_default_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Explain the change (GET), then apply it (POST)."""
        app = self._admin.changeable(request, app_id)
        if request.method == "POST":
            self._switch(request, app)
            return redirect("admin:apps_registry_app_change", app.pk)
        return self._admin.page(
            request,
            "admin/apps_registry/app/make_default.html",
            title=f"Make “{app.slug}” the default App?",
            obj=app,
            app=app,
            current=App.objects.filter(is_default=True).exclude(pk=app.pk).first(),
        )

    def _switch(self, request: HttpRequest, app: App) -> None:
        try:
            former = make_default(app)
        except ValidationError as error:
            self._admin.message_user(request, error.messages[0], messages.ERROR)
            return
        if former:
            self._admin.log_change(request, former, f"No longer the default App; “{app.slug}” is.")
            self._admin.log_change(request, app, f"Made the default App instead of “{former.slug}”.")
        message = f"“{app.slug}” is the default App: callers use it without a key."
        self._admin.message_user(request, message, messages.SUCCESS)
