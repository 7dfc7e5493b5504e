"""Documents of an older reader are read again; an App's files have a limit; an ingest can be cancelled."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from apps_registry.extraction import READER_VERSION
from apps_registry.models import App, Document, DocumentChunk
from apps_registry.releases.services import publish
from apps_registry.retrieval.uploads import add_upload
from tests.apps_registry.retrieval import files
from tests.apps_registry.retrieval.conftest import Ingest
from tests.commands import Result
from tests.product import Server
from tests.waiting import wait_until

PAGES = "/admin/apps_registry/document/"


def age(app: App, *names: str) -> None:
    """Make documents look as if an older version had read them, incorrectly."""
    documents = Document.objects.filter(app=app, name__in=names)
    DocumentChunk.objects.filter(document__in=documents).update(text="garbled")
    documents.update(reader_version=READER_VERSION - 1)


def texts(app: App) -> dict[str, str]:
    return {one.name: one.chunks.get().text for one in Document.objects.filter(app=app)}


def test_documents_of_an_older_reader_are_read_again(
    ingest: Ingest, manage: Callable[..., Result], app: App, other_app: App
) -> None:
    ingest({"a.txt": "alpha", "b.txt": "beta", "c.txt": "gamma"})
    ingest({"d.txt": "delta"}, into=other_app)
    age(app, "a.txt")
    age(other_app, "d.txt")
    publish(app)
    age(app, "b.txt")
    done = manage("ingest", app.slug, "--again", "--wait", "--json")
    assert [(row["name"], row["state"]) for row in json.loads(done.out)] == [("a.txt", "ready"), ("b.txt", "ready")]
    assert texts(app) == {"a.txt": "alpha", "b.txt": "beta", "c.txt": "gamma"}
    old_versions = Document.versions.exclude(replaced_at=None).filter(app=app).order_by("name")
    assert [one.chunks.get().text for one in old_versions] == ["garbled", "garbled"]  # as they were published

    assert texts(other_app) == {"d.txt": "garbled"}
    done = manage("ingest", "--again", "--wait")
    assert "d.txt" in done.out
    assert texts(other_app) == {"d.txt": "delta"}
    assert "None." in manage("ingest", app.slug, "--again").out


def test_the_list_offers_to_read_older_documents_again(ingest: Ingest, admin_client: Client, app: App) -> None:
    ingest({"a.txt": "alpha", "b.txt": "beta"})
    listed = f"{PAGES}?app__id__exact={app.pk}"
    assert 'id="outdated"' not in admin_client.get(listed).content.decode()
    age(app, "a.txt")
    shown = admin_client.get(listed).content.decode()
    assert "1 document was read by an older version" in " ".join(shown.split())
    assert admin_client.get(f"{PAGES}again/?app__id__exact={app.pk}").status_code == 302  # a GET request does nothing
    assert not Document.objects.filter(app=app, state="queued").exists()
    answer = admin_client.post(f"{PAGES}again/?app__id__exact={app.pk}", follow=True)
    assert "1 document will be ingested again" in answer.content.decode()
    again = Document.objects.get(app=app, name="a.txt")  # a server of another test may have read it already
    assert again.state != "ready" or again.reader_version == READER_VERSION


def test_the_files_of_an_app_have_a_limit(
    manage: Callable[..., Result], ingest: Ingest, app: App, tmp_path: Path
) -> None:
    App.objects.filter(pk=app.pk).update(documents_limit_mb=1)
    ingest({"a.txt": "a"})
    Document.objects.filter(app=app).update(
        size_bytes=1_048_000
    )  # a file costs more than its size, because it is read and indexed
    (row,) = ingest({"b.txt": "b" * 1000})
    assert row["state"] == "refused"
    assert "would have 1.0 MB; its limit is 1 MB" in row["note"]
    (row,) = ingest({"a.txt": "c" * 1000})  # replaces the first
    assert row["state"] == "ready"
    Document.objects.filter(app=app).update(size_bytes=1_048_000)
    App.objects.filter(pk=app.pk).update(documents_limit_mb=2)
    (row,) = ingest({"b.txt": "b" * 1000})
    assert row["state"] == "ready"


def test_a_waiting_ingest_is_cancelled(manage: Callable[..., Result], admin_client: Client, app: App) -> None:
    for name in ("a.txt", "b.txt"):
        add_upload(app, name=name, data=name.encode())
    first = Document.objects.get(app=app, name="a.txt")
    assert "Cancel the ingest" in admin_client.get(f"{PAGES}{first.pk}/change/").content.decode()
    answer = admin_client.post(f"{PAGES}{first.pk}/cancel/", follow=True)
    assert "The ingest was cancelled." in answer.content.decode()
    assert LogEntry.objects.filter(object_id=str(first.pk), change_message__contains="cancelled").exists()
    done = manage("ingest", app.slug, "--cancel", "--json")
    assert [(row["name"], row["state"]) for row in json.loads(done.out)] == [("b.txt", "cancelled")]
    assert set(Document.objects.filter(app=app).values_list("state", flat=True)) == {"cancelled"}
    (outcome,) = add_upload(app, name="a.txt", data=b"a.txt")  # the same file again
    assert outcome.is_queued


@pytest.mark.thorough
def test_a_running_ingest_is_cancelled_and_the_old_text_stays(
    ingest: Ingest, manage: Callable[..., Result], start: Callable[..., Server], app: App
) -> None:
    ingest({"long.pdf": files.pdf("Old words.")})
    start(workers=1)
    pages = [f"Page {number}. " + "Words and more words. " * 120 for number in range(150)]
    add_upload(app, name="long.pdf", data=files.pdf(*pages))
    wait_until(lambda: Document.objects.get(app=app).state == Document.State.PROCESSING)
    assert manage("ingest", app.slug, "--cancel").code == 0
    add_upload(app, name="next.txt", data=b"next")
    wait_until(lambda: Document.objects.get(app=app, name="next.txt").state == Document.State.READY)
    cancelled = Document.objects.get(app=app, name="long.pdf")
    assert (cancelled.state, cancelled.chunks.get().text) == (Document.State.CANCELLED, "Old words.")


def test_wrong_combinations_are_refused(manage: Callable[..., Result], app: App) -> None:
    for words in (["--again", "--cancel"], ["--cancel"], [app.slug], [app.slug, "a.txt", "--again"]):
        assert manage("ingest", *words).code != 0, words
