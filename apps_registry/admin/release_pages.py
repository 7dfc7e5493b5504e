"""The console's ways with releases: see what publishing changes and publish, roll back, run the draft, delete."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from apps_registry.admin.app_file_pages import SHOWN
from apps_registry.admin.display import ConsoleAdmin
from apps_registry.app_files.errors import AppFileError
from apps_registry.models import App, Document
from apps_registry.releases.content import find_problem
from apps_registry.releases.services import (
    NoSuchRelease,
    delete_release,
    plan_publishing,
    publish,
    roll_back,
    run_draft,
)
from apps_registry.services.plan import PlanChanged

RELEASES_SHOWN = 10


class ReleasePages:
    """What the buttons on an App's page lead to, and back from."""

    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        """Take the admin of the Apps."""
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the address below an App's."""
        guard = self._admin.admin_site.admin_view
        act = guard(require_POST(self.release_view))
        return [
            path("<int:app_id>/release/", act, name="apps_registry_app_release"),
            path("<int:app_id>/publish/", guard(self.publish_view), name="apps_registry_app_publish"),
            path(
                "<int:app_id>/release/<int:number>/delete/",
                guard(self.delete_view),
                name="apps_registry_app_release_delete",
            ),
        ]

    def publish_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Show what publishing would change (GET), then do it (POST)."""
        app = self._admin.changeable(request, app_id)
        if not request.user.has_perms(SHOWN):
            raise PermissionDenied
        try:
            if request.method == "POST":
                release, is_new = publish(app, digest=request.POST.get("digest", ""))
                self._admin.done(request, app, f"Release {release.number} is live{'' if is_new else ' already'}.")
                return redirect("admin:apps_registry_app_change", app.pk)
        except PlanChanged:
            self._admin.message_user(request, "The draft changed meanwhile; look again.", messages.WARNING)
        except AppFileError as error:
            return self._refused(request, app, str(error))
        return self._shown(request, app)

    def _shown(self, request: HttpRequest, app: App) -> HttpResponse:
        try:
            plan = plan_publishing(app)
        except AppFileError as error:
            return self._refused(request, app, str(error))
        title = f"What publishing “{app.slug}” changes"
        template = "admin/apps_registry/app/publish.html"
        return self._admin.page(request, template, title=title, obj=app, app=app, plan=plan, digest=plan.digest())

    def release_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Do what the button says."""
        app = self._admin.changeable(request, app_id)
        try:
            self._admin.done(request, app, _done(app, request.POST.get("what", "")))
        except NoSuchRelease as error:
            return self._refused(request, app, str(error))
        return redirect("admin:apps_registry_app_change", app.pk)

    def delete_view(self, request: HttpRequest, app_id: int, number: int) -> HttpResponse:
        """Say what goes with a release (GET), then delete it (POST)."""
        app = self._admin.changeable(request, app_id)
        release = app.releases.filter(number=number).first()
        if release is None:
            raise Http404
        if request.method == "POST":
            try:
                delete_release(app, number)
            except NoSuchRelease as error:
                return self._refused(request, app, str(error))
            self._admin.done(request, app, f"Release {number} was deleted.")
            return redirect("admin:apps_registry_app_change", app.pk)
        others = app.releases.exclude(pk=release.pk).values_list("document_ids", flat=True)
        own = set(release.document_ids) - {id_ for ids in others for id_ in ids}
        return self._admin.page(
            request,
            "admin/apps_registry/app/delete_release.html",
            title=f"Delete release {number} of “{app.slug}”?",
            obj=app,
            app=app,
            release=release,
            sessions=app.sessions.filter(release=release).count(),
            versions=Document.versions.filter(app=app, pk__in=own).exclude(replaced_at=None),
        )

    def _refused(self, request: HttpRequest, app: App, words: str) -> HttpResponse:
        self._admin.message_user(request, words, messages.ERROR)
        return redirect("admin:apps_registry_app_change", app.pk)


def _done(app: App, what: str) -> str:
    if what == "draft":
        run_draft(app)
        kept = " Sessions that keep a release go on with it." if app.sessions_keep_release else ""
        return f"The draft is live: each edit holds at once.{kept}"
    if what.isascii() and what.isdigit() and len(what) < 10:
        return f"Release {roll_back(app, int(what)).number} is live."
    raise NoSuchRelease("There is no such release.")


def releases_panel(app: App) -> dict[str, Any]:
    """Return what the App's page shows of its releases: the newest ones and the live one, with what is wrong."""
    shown = list(app.releases.all()[:RELEASES_SHOWN])
    if app.live_release and app.live_release not in shown:
        shown.append(app.live_release)
    return {"releases": [(release, find_problem(release)) for release in shown]}
