"""Publishing an App, going back to an earlier release, running its draft again, deleting releases."""

from dataclasses import dataclass

import orjson
from django.db import transaction

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.tools_fit import refuse_unfit_tools
from apps_registry.app_files.writing import content_diff
from apps_registry.models import App, AppRelease, Document
from apps_registry.releases.content import content_of_release, content_to_publish, find_problem
from apps_registry.retrieval.versions import prune
from apps_registry.services.plan import PlanChanged
from apps_registry.support.fingerprint import fingerprint


class NoSuchRelease(Exception):
    """There is no release that could be made live; the message says which there are, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing an App would do.

    Attributes:
        before: the live release; None: there is none, or it cannot be read.
        wanted: the draft.
        document_ids: those that the release would search.
        is_new: the draft is not what is live.
        notes: what an operator should know before, in sentences.
    """

    before: AppContent | None
    wanted: AppContent
    document_ids: tuple[int, ...]
    is_new: bool
    notes: tuple[str, ...]

    def diff(self) -> list[str]:
        """Return the lines in which the draft differs from what is live."""
        return content_diff(self.before, self.wanted)

    def digest(self) -> str:
        """Return what tells this plan from any other."""
        return fingerprint(self.before and self.before.as_data(), self.wanted.as_data(), self.document_ids)


def plan_publishing(app: App) -> Plan:
    """Return what publishing an App's draft would do; nothing is done.

    Raises:
        AppFileError: the draft has something that no release can be read with, or a tool that the provider of one of
            its models does not take; the message names it.
    """
    wanted, live = content_to_publish(app), app.live_release
    refuse_unfit_tools(wanted)
    document_ids = tuple(app.documents.order_by("pk").values_list("pk", flat=True))
    try:
        before = content_of_release(live) if live else None
    except AppFileError:
        before = None
    is_same = live is not None and before == wanted and tuple(live.document_ids) == document_ids
    return Plan(before, wanted, document_ids, not is_same, tuple(_notes(app, before, wanted, is_same)))


@transaction.atomic
def publish(app: App, *, digest: str | None = None) -> tuple[AppRelease, bool]:
    """Freeze an App's draft and make it live; returns the release, and whether it is a new one.

    Args:
        app: the App; a draft that is what is live already makes no new release.
        digest: of the plan that the operator saw; None: whatever it is.

    Raises:
        AppFileError: as `plan_publishing`.
        PlanChanged: it is no longer what the operator saw.
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
        content=orjson.dumps(plan.wanted.as_data()).decode(),
        document_ids=list(plan.document_ids),
    )
    _make_live(app, release)
    prune(app)
    return release, True


@transaction.atomic
def roll_back(app: App, number: int | None = None) -> AppRelease:
    """Make a release live that is there already; the draft stays as it is.

    Sessions that keep a later release go on with this one: see `apps_registry.values.release_to_run`.

    Args:
        app: the App.
        number: of the release; None: the one before that which is live.

    Raises:
        NoSuchRelease: there is none, or it cannot be run.
    """
    app = _locked(app)
    if number is not None:
        release = app.releases.filter(number=number).first()
    else:
        release = app.releases.filter(number__lt=app.live_release.number).first() if app.live_release else None
    if release is None:
        known = ", ".join(str(each) for each in app.releases.values_list("number", flat=True)) or "none"
        raise NoSuchRelease(f"There is no such release of {app.slug} to go back to. Releases: {known}.")
    if problem := find_problem(release):
        raise NoSuchRelease(problem)
    _make_live(app, release)
    return release


def run_draft(app: App) -> None:
    """Have an App run its draft again, so that each edit is live at once."""
    _make_live(app, None)


@transaction.atomic
def delete_release(app: App, number: int) -> None:
    """Delete a release that is not live, with the documents that it alone searches.

    Sessions that keep it follow what is live, and keep that from their next turn on.

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
    app.save(update_fields=["updated_at"])  # workers have the release in memory until the App changes


def _locked(app: App) -> App:
    return App.objects.select_for_update(no_key=True).get(pk=app.pk)


def _make_live(app: App, release: AppRelease | None) -> None:
    app.live_release = release
    app.save(update_fields=["live_release"])


def _notes(app: App, before: AppContent | None, wanted: AppContent, is_same: bool) -> list[str]:
    notes = []
    if app.live_release and before is None:
        notes.append(find_problem(app.live_release))
    if before == wanted and not is_same:
        notes.append("Nothing differs but that documents were read again since.")
    unread = app.documents.exclude(state=Document.State.READY).order_by("name").values_list("name", flat=True)
    if unread:
        notes.append(f"Not read yet, and so not found until they are: {', '.join(unread)}.")
    return notes
