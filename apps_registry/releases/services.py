"""Publishing an App, going back to an earlier release, and running its draft again."""

import orjson
from django.db import transaction

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.current import content_of
from apps_registry.app_files.reading import read_data
from apps_registry.models import App
from apps_registry.releases.models import AppRelease


class NoSuchRelease(Exception):
    """There is no release to go back to; the message says which there are."""


def content_of_release(release: AppRelease) -> AppContent:
    """Return what a release froze.

    Raises:
        AppFileError: this server no longer reads it, such as a built-in tool that is gone.
    """
    return read_data(orjson.loads(release.content)).content


@transaction.atomic
def publish(app: App) -> tuple[AppRelease, bool]:
    """Freeze an App's draft and make it live; returns the release, and whether it is a new one.

    Args:
        app: the App; a draft that is what is live already makes no new release.
    """
    app = App.objects.select_for_update(no_key=True).get(pk=app.pk)
    text = orjson.dumps(content_of(app).as_data()).decode()
    document_ids = sorted(app.documents.values_list("pk", flat=True))
    live, newest = app.live_release, app.releases.first()
    if live and (live.content, live.document_ids) == (text, document_ids):
        return live, False
    number = newest.number + 1 if newest else 1
    release = AppRelease.objects.create(app=app, number=number, content=text, document_ids=document_ids)
    _make_live(app, release)
    return release, True


@transaction.atomic
def roll_back(app: App, number: int | None = None) -> AppRelease:
    """Make a release live that is there already; the draft stays as it is.

    Args:
        app: the App.
        number: of the release; None: the one before that which is live.

    Raises:
        NoSuchRelease: there is none.
    """
    app = App.objects.select_for_update(no_key=True).get(pk=app.pk)
    if number is not None:
        release = app.releases.filter(number=number).first()
    else:
        release = app.releases.filter(number__lt=app.live_release.number).first() if app.live_release else None
    if release is None:
        known = ", ".join(str(each) for each in app.releases.values_list("number", flat=True)) or "none"
        raise NoSuchRelease(f"There is no such release of {app.slug} to go back to. Releases: {known}.")
    _make_live(app, release)
    return release


def run_draft(app: App) -> None:
    """Have an App run its draft again, so that each edit is live at once."""
    _make_live(app, None)


def _make_live(app: App, release: AppRelease | None) -> None:
    app.live_release = release
    app.save(update_fields=["live_release"])
