"""The admin pages for releases: preview and publish, roll back, run the draft, delete."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from apps_registry.admin.app_file_pages import VIEW_PERMISSIONS
from apps_registry.admin.base import ConsoleAdmin
from apps_registry.app_files.errors import AppFileError
from apps_registry.models import App, AppRelease, Document
from apps_registry.releases.content import find_problem
from apps_registry.releases.draft_changes import changed_parts
from apps_registry.releases.services import (
    NoSuchRelease,
    delete_release,
    diff_by_going_live,
    plan_publishing,
    publish,
    roll_back,
    run_draft,
)
from apps_registry.services.plan import PlanChanged

RELEASES_SHOWN = 10
# Publishing and its entry in the history are of one request.
SAME_REQUEST = timedelta(seconds=10)


class ReleasePages:
    """The pages behind the release buttons of an App's page."""

    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns below that of the Apps."""
        guard = self._admin.admin_site.admin_view
        act = guard(require_POST(self.release_view))
        return [
            path("<int:app_id>/release/", act, name="apps_registry_app_release"),
            path("<int:app_id>/release/<slug:what>/live/", guard(self.live_view), name="apps_registry_app_live"),
            path("<int:app_id>/publish/", guard(self.publish_view), name="apps_registry_app_publish"),
            path(
                "<int:app_id>/release/<int:number>/delete/",
                guard(self.delete_view),
                name="apps_registry_app_release_delete",
            ),
        ]

    def publish_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Preview the changes (GET), then publish (POST)."""
        app = self._admin.changeable(request, app_id)
        if not request.user.has_perms(VIEW_PERMISSIONS):
            raise PermissionDenied
        try:
            if request.method == "POST":
                release, is_new = publish(app, digest=request.POST.get("digest", ""))
                self._admin.done(
                    request,
                    app,
                    _live_message(release.number) if is_new else f"Release {release.number} is live already.",
                )
                return redirect("admin:apps_registry_app_releases", app.pk)
        except PlanChanged:
            self._admin.message_user(
                request, "The draft has changed in the meantime. Review the changes again.", messages.WARNING
            )
        except AppFileError as error:
            return self._refuse(request, app, str(error))
        return self._preview(request, app)

    def _preview(self, request: HttpRequest, app: App) -> HttpResponse:
        try:
            plan = plan_publishing(app)
        except AppFileError as error:
            return self._refuse(request, app, str(error))
        title = f"Changes by publishing “{app.slug}”"
        template = "admin/apps_registry/app/publish.html"
        return self._admin.page(request, template, title=title, obj=app, app=app, plan=plan, digest=plan.digest())

    def live_view(self, request: HttpRequest, app_id: int, what: str) -> HttpResponse:
        """Preview what changes for callers if a release goes live, or the draft; the page's button acts."""
        app = self._admin.changeable(request, app_id)
        release = app.releases.filter(number=int(what)).first() if _is_number(what) else None
        if release is None and what != "draft":
            raise Http404
        may_see = request.user.has_perms(VIEW_PERMISSIONS)
        try:
            diff = diff_by_going_live(app, release)
        except AppFileError as error:
            return self._refuse(request, app, str(error))
        return self._admin.page(
            request,
            "admin/apps_registry/app/make_live.html",
            title=f"Make {release or 'the draft'} of “{app.slug}” live?",
            obj=app,
            app=app,
            what=what,
            release=release,
            diff=diff if may_see else [],
            may_see=may_see,
        )

    def release_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Roll back to a release, or run the draft, as the button requests."""
        app = self._admin.changeable(request, app_id)
        try:
            self._admin.done(request, app, _apply_action(app, request.POST.get("what", "")))
        except NoSuchRelease as error:
            return self._refuse(request, app, str(error))
        return redirect("admin:apps_registry_app_releases", app.pk)

    def delete_view(self, request: HttpRequest, app_id: int, number: int) -> HttpResponse:
        """Show what is deleted with a release (GET), then delete it (POST)."""
        app = self._admin.changeable(request, app_id)
        release = app.releases.filter(number=number).first()
        if release is None:
            raise Http404
        if request.method == "POST":
            try:
                delete_release(app, number)
            except NoSuchRelease as error:
                return self._refuse(request, app, str(error))
            self._admin.done(request, app, f"Release {number} was deleted.")
            return redirect("admin:apps_registry_app_releases", app.pk)
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

    def _refuse(self, request: HttpRequest, app: App, message: str) -> HttpResponse:
        self._admin.message_user(request, message, messages.ERROR)
        return redirect("admin:apps_registry_app_releases", app.pk)


def _apply_action(app: App, action: str) -> str:
    if action == "draft":
        run_draft(app)
        kept = " Sessions that keep a release continue with it." if app.sessions_keep_release else ""
        return f"The draft is live: every edit takes effect immediately.{kept}"
    if _is_number(action):
        return _live_message(roll_back(app, int(action)).number)
    raise NoSuchRelease("There is no such release.")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A release in the list.

    Attributes:
        problem: why it cannot run; empty if it can.
        author: the operator who published it; empty if a command did.
        changes: the names of what differs from the release before it.
        is_first: there is none before it.
    """

    release: AppRelease
    problem: str
    author: str
    changes: list[str]
    is_first: bool


def releases_panel(app: App) -> dict[str, Any]:
    """Return the template context of the releases: the newest ones and the live one."""
    newest = list(app.releases.all()[: RELEASES_SHOWN + 1])
    shown = newest[:RELEASES_SHOWN]
    if app.live_release and app.live_release not in shown:
        shown.append(app.live_release)
    authors = _authors(app, shown)
    before = dict(itertools.pairwise(newest))
    lines = []
    for release in shown:
        earlier = before.get(release)
        changes = changed_parts(earlier, release) if earlier else []
        is_first = earlier is None and release == newest[-1]
        lines.append(ReleaseLine(release, find_problem(release), authors.get(release.number, ""), changes, is_first))
    return {"releases": lines}


def _authors(app: App, releases: list[AppRelease]) -> dict[int, str]:
    """Return the operators who published releases, by number, according to the App's history.

    Going back to a release has the same entry, but later than the release was made.
    """
    made = {_live_message(release.number): release for release in releases}
    of_app = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(App), object_id=str(app.pk))
    entries = of_app.filter(change_message__in=made).select_related("user").order_by("-action_time")
    return {
        release.number: str(entry.user)
        for entry in entries
        if abs(entry.action_time - (release := made[entry.change_message]).created_at) < SAME_REQUEST
    }


def _live_message(number: int) -> str:
    return f"Release {number} is live."
