"""The console's buttons for releases: publish, roll back, run the draft."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from apps_registry.admin_display import ConsoleAdmin
from apps_registry.models import App
from apps_registry.releases.services import NoSuchRelease, publish, roll_back, run_draft


class ReleasePages:
    """What the buttons on an App's page lead to, and back from."""

    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        """Take the admin of the Apps."""
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the address below an App's."""
        view = self._admin.admin_site.admin_view(require_POST(self.release_view))
        return [path("<int:app_id>/release/", view, name="apps_registry_app_release")]

    def release_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Do what the button says."""
        app = App.objects.filter(pk=app_id).first()
        if app is None:
            raise Http404
        if not self._admin.has_change_permission(request, app):
            raise PermissionDenied
        try:
            words = _done(app, request.POST.get("what", ""))
        except NoSuchRelease as error:
            self._admin.message_user(request, str(error), messages.ERROR)
        else:
            self._admin.log_change(request, app, words)
            self._admin.message_user(request, words, messages.SUCCESS)
        return redirect("admin:apps_registry_app_change", app.pk)


def _done(app: App, what: str) -> str:
    if what == "publish":
        release, is_new = publish(app)
        return f"Release {release.number} is live." if is_new else f"Release {release.number} is live already."
    if what == "draft":
        run_draft(app)
        return "The draft is live: each edit holds at once."
    if what.isascii() and what.isdigit() and len(what) < 10:
        return f"Release {roll_back(app, int(what)).number} is live."
    raise NoSuchRelease("There is no such release.")
