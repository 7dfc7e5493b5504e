"""Publishing an App, rolling back to an earlier release, running the draft again, deleting releases."""

from dataclasses import dataclass

import orjson
from django.db import transaction

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.tools_fit import refuse_unsupported_tools
from apps_registry.app_files.writing import content_diff
from apps_registry.models import App, AppRelease, Document
from apps_registry.releases.content import content_of_release, content_to_publish, find_problem
from apps_registry.retrieval.versions import prune
from apps_registry.services.plan import PlanChanged
from apps_registry.support.fingerprint import fingerprint


class NoSuchRelease(Exception):
    """No such release can be made live; the message lists the releases, or says why this one cannot run."""


@dataclass(frozen=True, slots=True)
class PublishingPlan:
    """The changes that publishing an App would make.

    Attributes:
        before: the live release; None if there is none or it cannot be read.
        after: the draft.
        document_ids: documents that the release would search.
        is_new: the draft differs from the live release.
        notes: sentences that the operator should read first.
    """

    before: AppContent | None
    after: AppContent
    document_ids: tuple[int, ...]
    is_new: bool
    notes: tuple[str, ...]

    def diff(self) -> list[str]:
        """Return the lines in which the draft differs from the live release."""
        return content_diff(self.before, self.after)

    def digest(self) -> str:
        """Return a digest that differs from that of any other plan."""
        return fingerprint(self.before and self.before.as_data(), self.after.as_data(), self.document_ids)


def plan_publishing(app: App) -> PublishingPlan:
    """Return what publishing an App's draft would change, without changing anything.

    Raises:
        AppFileError: the draft holds something that a release cannot be read with, or a tool that the provider of one
            of its models rejects; the message names it.
    """
    draft, live = content_to_publish(app), app.live_release
    refuse_unsupported_tools(draft)
    document_ids = tuple(app.documents.order_by("pk").values_list("pk", flat=True))
    try:
        before = content_of_release(live) if live else None
    except AppFileError:
        before = None
    is_same = live is not None and before == draft and tuple(live.document_ids) == document_ids
    return PublishingPlan(before, draft, document_ids, not is_same, tuple(_notes(app, before, draft, is_same)))


def diff_by_going_live(app: App, release: AppRelease | None) -> list[str]:
    """Return the lines that change for callers if a release goes live, or the draft (None).

    Raises:
        AppFileError: what is to go live cannot be read.
    """
    after = content_of_release(release) if release else content_to_publish(app)
    try:
        before = content_of_release(app.live_release) if app.live_release else content_to_publish(app)
    except AppFileError:
        before = None
    return content_diff(before, after)


@transaction.atomic
def publish(app: App, *, digest: str | None = None) -> tuple[AppRelease, bool]:
    """Publish an App's draft as a release and make it live; returns the release, and whether it is new.

    Args:
        app: the App. If its draft equals the live release, no release is created.
        digest: of the plan that the operator confirmed; None accepts any plan.

    Raises:
        AppFileError: as for `plan_publishing`.
        PlanChanged: the plan is no longer the one that the operator confirmed.
    """
    app = _locked(app)
    plan = plan_publishing(app)
    if digest is not None and plan.digest() != digest:
        raise PlanChanged
    if app.live_release and not plan.is_new:
        return app.live_release, False
    newest = app.releases.first()
    release = AppRelease.objects.create(
        app=app,
        number=newest.number + 1 if newest else 1,
        content=orjson.dumps(plan.after.as_data()).decode(),
        document_ids=list(plan.document_ids),
    )
    _make_live(app, release)
    prune(app)
    return release, True


@transaction.atomic
def roll_back(app: App, number: int | None = None) -> AppRelease:
    """Make an existing release live; the draft does not change.

    Sessions that are pinned to a later release continue with this one: see `apps_registry.values.release_to_run`.

    Args:
        app: the App.
        number: of the release; None selects the release before the live one.

    Raises:
        NoSuchRelease: there is none, or it cannot run.
    """
    app = _locked(app)
    if number is not None:
        release = app.releases.filter(number=number).first()
    else:
        release = app.releases.filter(number__lt=app.live_release.number).first() if app.live_release else None
    if release is None:
        known = ", ".join(str(existing) for existing in app.releases.values_list("number", flat=True)) or "none"
        raise NoSuchRelease(f"There is no such release of {app.slug} to go back to. Releases: {known}.")
    if problem := find_problem(release):
        raise NoSuchRelease(problem)
    _make_live(app, release)
    return release


def run_draft(app: App) -> None:
    """Make an App run its draft again, so that each edit is live immediately."""
    _make_live(app, None)


@transaction.atomic
def delete_release(app: App, number: int) -> None:
    """Delete a release that is not live, with the documents that only it searches.

    Sessions that are pinned to it switch to the live release at their next turn and stay on that.

    Args:
        app: the App.
        number: of the release.

    Raises:
        NoSuchRelease: there is none, or it is live.
    """
    app = _locked(app)
    release = app.releases.filter(number=number).first()
    if release is None:
        raise NoSuchRelease(f"{app.slug} has no release {number}.")
    if release.pk == app.live_release_id:
        raise NoSuchRelease(f"Release {number} is live; make another one live first.")
    release.delete()
    prune(app)
    app.save(update_fields=["updated_at"])  # workers keep the release in memory until the App changes


def _locked(app: App) -> App:
    return App.objects.select_for_update(no_key=True).get(pk=app.pk)


def _make_live(app: App, release: AppRelease | None) -> None:
    app.live_release = release
    app.save(update_fields=["live_release"])


def _notes(app: App, before: AppContent | None, after: AppContent, is_same: bool) -> list[str]:
    notes = []
    if app.live_release and before is None:
        notes.append(find_problem(app.live_release))
    if before == after and not is_same:
        notes.append("The only difference is that documents have been ingested again.")
    unread = app.documents.exclude(state=Document.State.READY).order_by("name").values_list("name", flat=True)
    if unread:
        notes.append(f"Not ingested yet, so search does not find them: {', '.join(unread)}.")
    return notes
