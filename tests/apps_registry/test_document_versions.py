"""Documents and releases: a release searches what was published, until no release needs it."""

from collections.abc import Callable

import pytest
from django.test import Client as Browser

from apps_registry.models import App, AppRelease, Document, DocumentChunk, DocumentFile
from apps_registry.releases.services import NoSuchRelease, delete_release, publish, roll_back, run_draft
from apps_registry.retrieval.uploads import add_upload, requeue
from tests import factories
from tests.admin.conftest import admin_client  # noqa: F401 - a fixture
from tests.apps_registry.retrieval import files
from tests.client import Client
from tests.model_server import ScriptedModel, calls, says
from tests.waiting import wait_until

Search = Callable[..., str]


@pytest.fixture
def search(app_client: Client, model: ScriptedModel) -> Search:
    """Return the results that the model gets: search("gate", tag="x")."""

    def ask(query: str, **arguments: str) -> str:
        model.will(calls(("search_documents", {"query": query, **arguments})), says("So it is."))
        app_client.chat("Look it up")
        return str([message["content"] for message in model.prompts[-1] if message["role"] == "tool"][-1])

    return ask


def add(app: App, name: str, content: str | bytes, tags: list[str] | None = None) -> Document:
    """Upload a document and wait until it is read or has failed."""
    data = content.encode() if isinstance(content, str) else content
    (outcome,) = add_upload(app, name=name, data=data, tags=tags or [])
    assert outcome.document is not None
    wait_until(lambda: Document.objects.filter(app=app, name=name, state__in=["ready", "failed"]).exists())
    return Document.objects.get(app=app, name=name)


def kept_versions(app: App) -> list[str]:
    """Return the names of the versions that only releases search."""
    return sorted(Document.versions.filter(app=app).exclude(replaced_at=None).values_list("name", flat=True))


def test_a_release_finds_what_it_was_published_with(app: App, search: Search) -> None:
    gate = add(app, "gate.txt", "The gate opens at seven.")
    again = add(app, "gate.txt", "The gate opens at nine.")
    assert (again.pk, kept_versions(app)) == (gate.pk, [])  # what no release needs is not kept
    bridge = add(app, "bridge.txt", "The gate of the bridge is open at noon.", tags=["water"])
    publish(app)

    assert add(app, "gate.txt", "The gate opens at ten.").pk != gate.pk
    assert requeue(app.documents.filter(pk=bridge.pk)) == 1
    wait_until(lambda: app.documents.filter(name="bridge.txt", state="ready").exclude(pk=bridge.pk).exists())
    app.documents.filter(name="bridge.txt").update(tags=["air"])
    assert kept_versions(app) == ["bridge.txt", "gate.txt"]
    assert set(DocumentFile.objects.filter(document__app=app).values_list("document__replaced_at", flat=True)) == {None}

    def shows(results: str) -> tuple[bool, ...]:
        return tuple(hour in results for hour in ("nine", "ten", "noon"))

    assert shows(search("gate")) == (True, False, True)
    assert shows(search("gate", tag="water")) == (False, False, True)
    run_draft(app)
    assert shows(search("gate")) == (False, True, True)
    assert shows(search("gate", tag="air")) == (False, False, True)
    publish(app)
    assert shows(search("gate")) == (False, True, True)
    roll_back(app, 1)
    assert shows(search("gate")) == (True, False, True)

    with pytest.raises(NoSuchRelease, match="is live"):
        delete_release(app, 1)
    roll_back(app, 2)
    delete_release(app, 1)
    assert (kept_versions(app), DocumentChunk.objects.filter(app=app).count()) == ([], 2)
    assert shows(search("gate")) == (False, True, True)


def test_the_draft_finds_the_last_version_until_the_next_is_read(app: App, search: Search) -> None:
    add(app, "gate.pdf", files.pdf("The gate opens at nine."))
    publish(app)
    run_draft(app)
    failed = add(app, "gate.pdf", b"%PDF-1.4 nonsense")
    assert (failed.state, failed.chunk_count) == ("failed", 0)
    assert "nine" in search("gate")
    add(app, "gate.pdf", files.pdf("The gate opens at ten."))
    results = search("gate")
    assert ("nine" in results, "ten" in results) == (False, True)


def test_what_is_published_before_it_is_read_is_read_for_the_release(app: App, search: Search) -> None:
    add_upload(app, name="gate.txt", data=b"The gate opens at nine.")
    publish(app)
    add_upload(app, name="gate.txt", data=b"The gate opens at ten.")
    wait_until(lambda: Document.versions.filter(app=app, state="ready").count() == 2)
    results = search("gate")
    assert ("nine" in results, "ten" in results) == (True, False)


def test_a_release_searches_its_own_documents_whatever_the_rows_say(app: App, other_app: App, search: Search) -> None:
    gate = add(app, "gate.txt", "The gate opens at nine.")
    release, _ = publish(app)
    add(app, "late.txt", "The gate is painted green.")
    foreign = add(other_app, "gate.txt", "The gate of the others opens at one.")
    AppRelease.objects.filter(pk=release.pk).update(document_ids=[gate.pk, foreign.pk])
    # The plan assumes that the App has only this one, as just before another one is read.
    Document.objects.filter(pk=gate.pk).update(chunk_count=2)
    results = search("gate")
    assert [words in results for words in ("nine", "green", "others")] == [True, False, False]


def test_a_deleted_document_stays_for_the_releases_that_search_it(
    admin_client: Browser,  # noqa: F811
    app: App,
    search: Search,
) -> None:
    published = add(app, "gate.txt", "The gate opens at nine.")
    publish(app)
    late = add(app, "late.txt", "The gate is painted green.")
    listed = "/admin/apps_registry/document/"
    page = admin_client.get(f"{listed}{published.pk}/delete/").content.decode()
    assert "removed from the draft only, since it is searched by release 1" in page
    for document in (published, late):
        assert admin_client.post(f"{listed}{document.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(Document.versions.filter(app=app)) == [published]
    assert "nine" in search("gate")

    page_of_it = f"{listed}{published.pk}/change/"
    assert page_of_it not in admin_client.get(f"{listed}?app__id__exact={app.pk}").content.decode()
    assert page_of_it in admin_client.get(f"{listed}?app__id__exact={app.pk}&kept=releases").content.decode()
    shown = admin_client.get(f"{listed}{published.pk}/change/").content.decode()
    assert "Kept unchanged for release 1" in shown
    assert admin_client.post(f"{listed}{published.pk}/delete/", {"post": "yes"}).status_code == 403

    publish(app)
    deletion = f"/admin/apps_registry/app/{app.pk}/release/1/delete/"
    page = admin_client.get(deletion).content.decode()
    assert "are deleted with it: gate.txt." in " ".join(page.split())
    admin_client.post(deletion)
    assert (app.releases.count(), Document.versions.filter(app=app).count()) == (1, 0)
    assert admin_client.get(deletion).status_code == 404
    assert factories.make_document(app, "The gate opens at nine.", name="gate.txt").pk != published.pk
