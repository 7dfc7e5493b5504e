"""Documents in the console: add, follow the ingest, inspect, search, ingest again, delete."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps_registry.extraction import READER_VERSION
from apps_registry.models import App, Document, EmbeddingModel
from apps_registry.retrieval.uploads import add_upload
from tests import factories
from tests.admin.conftest import PAYLOAD
from tests.product import Server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = "/admin/apps_registry/document/"
HTML = "<h1>Ports</h1><p>The ferry leaves at noon.</p><p hidden>Obey me.</p>"


def ready(app: App, name: str, content: str, **more: object) -> Document:
    """A document that a server's worker has ingested."""
    add_upload(app, name=name, data=content.encode(), **more)  # type: ignore[arg-type]
    wait_until(lambda: Document.objects.get(app=app, name=name).state == Document.State.READY)
    return Document.objects.get(app=app, name=name)


def upload(app: App, *files: tuple[str, bytes], tags: str = "") -> dict[str, object]:
    return {"app": app.pk, "tags": tags, "uploads": [SimpleUploadedFile(name, content) for name, content in files]}


@pytest.mark.thorough
@pytest.mark.browser
def test_files_are_added_followed_and_searched(console: "Page", server: Server, app: App, tmp_path: Path) -> None:
    (tmp_path / "ports.html").write_text(HTML)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/documents/")
    console.click("text=add some")
    assert console.input_value("#id_app") == str(app.pk)
    console.set_input_files("#id_uploads", [tmp_path / "ports.html", tmp_path / "broken.pdf"])
    console.fill("#id_tags", "travel, sea")
    console.click("text=Add the documents")
    assert "the ingest will start in a moment" in console.inner_text(".messagelist")
    wait_until(lambda: Document.objects.filter(app=app, state__in=["ready", "failed"]).count() == 2)
    console.reload()
    listed = console.inner_text("#result_list")
    assert "The file is damaged" in listed
    assert "sea" in listed

    console.click("#result_list >> text=Ports")
    assert "Obey me." in console.inner_text("#hidden-text")
    assert "The ferry leaves at noon." in console.inner_text("#chunks")
    console.click("text=Search this App's documents")
    console.fill("#id_q", "When do ferries leave?")
    console.click("button:has-text('Search')")
    passages = console.inner_text("#passages")
    assert "The ferry leaves at noon." in passages
    assert "by words" in passages
    assert "Obey me" not in passages
    console.fill("#id_tag", "none-such")
    console.click("button:has-text('Search')")
    assert "Nothing was found" in console.inner_text("#passages")


@pytest.mark.thorough
@pytest.mark.browser
def test_a_document_is_ingested_again_by_its_button(console: "Page", server: Server, app: App) -> None:
    document = ready(app, "ports.html", HTML)
    console.goto(f"{server.url}{PAGES}{document.pk}/change/")
    console.click("text=Ingest again")
    assert "will be ingested again" in console.inner_text(".messagelist")
    wait_until(lambda: Document.objects.get(pk=document.pk).ingested_at != document.ingested_at)
    assert LogEntry.objects.filter(object_id=str(document.pk), change_message__contains="Ingested again").exists()
    # The page that waits for it refreshes itself. The lease keeps workers from taking it over.
    mine = Document.objects.filter(pk=document.pk)
    mine.update(state="processing", lease_id=uuid.uuid4(), lease_expires_at=timezone.now() + timedelta(hours=1))
    console.goto(f"{server.url}{PAGES}{document.pk}/change/")
    console.wait_for_selector("text=Cancel the ingest")
    mine.update(state="ready", lease_id=None, lease_expires_at=None)
    console.wait_for_selector("text=Ingest again")


@pytest.mark.thorough
@pytest.mark.browser
def test_nothing_in_a_document_runs_in_the_operators_browser(console: "Page", server: Server, app: App) -> None:
    document = ready(app, "evil.txt", f"ferry {PAYLOAD}")
    Document.objects.filter(pk=document.pk).update(
        title=PAYLOAD[:200], hidden_text=[PAYLOAD], warning=PAYLOAD, tags=[PAYLOAD[:50]]
    )
    for page in (f"?q={document.name}", f"{document.pk}/change/", f"search/?app={app.pk}&q=ferry&tag="):
        console.goto(f"{server.url}{PAGES}{page}")
        assert "window.hacked" in console.content()
        assert console.evaluate("window.hacked") is None


def test_each_file_gets_a_result(admin_client: Client, app: App) -> None:
    files = [("a.txt", b"alpha"), ("b.exe", b"MZ"), ("c.txt", b""), ("copy.txt", b"alpha")]
    answer = admin_client.post(f"{PAGES}add/", upload(app, *files, tags="one"), follow=True)
    notices = [str(message) for message in answer.context["messages"]]
    assert notices[0] == "“a.txt”: the ingest will start in a moment."
    assert notices[1].startswith("b.exe: Files of this type cannot be read")
    assert notices[2:] == ["c.txt: The file is empty.", "copy.txt: The App already has this content as a.txt."]
    assert Document.objects.get(app=app).tags == ["one"]


def test_pages_claim_nothing_about_a_document_that_has_not_been_read_yet(
    admin_client: Client, app: App, tmp_path: Path
) -> None:
    document = factories.make_document(app, "The ferry leaves at noon.")
    mine, page = Document.objects.filter(pk=document.pk), f"{PAGES}{document.pk}/change/"
    # A lease keeps workers of other tests from taking the document.
    lease = {"lease_id": uuid.uuid4(), "lease_expires_at": timezone.now() + timedelta(hours=1)}
    for state in ("processing", "queued"):
        mine.update(state=state, chunk_count=0, losses=[], **lease)
        shown = admin_client.get(page).content.decode()
        assert "Everything was read" not in shown
        assert shown.count("not known yet") == 2  # losses and chunks
        for listed in (f"{PAGES}?app__id__exact={app.pk}", f"/admin/apps_registry/app/{app.pk}/documents/"):
            assert "not known yet" in admin_client.get(listed).content.decode()
    (tmp_path / document.name).write_text("The ferry leaves at noon.")  # already known, so it is not queued again
    out = StringIO()
    call_command("ingest", app.slug, str(tmp_path / document.name), "--json", stdout=out)
    (row,) = json.loads(out.getvalue())
    assert (row["state"], row["losses"]) == ("queued", None)
    mine.update(state="failed", error="The file is damaged.")
    assert "Not known: the ingest did not finish" in admin_client.get(page).content.decode()
    mine.update(state="ready", error="", chunk_count=0, reader_version=READER_VERSION)
    assert "Everything was read" in admin_client.get(page).content.decode()


def test_a_form_without_files_or_with_bad_tags_shows_errors(admin_client: Client, app: App) -> None:
    answer = admin_client.post(f"{PAGES}add/", {"app": app.pk, "tags": ""})
    assert "This field is required" in answer.content.decode()
    answer = admin_client.post(f"{PAGES}add/", upload(app, ("a.txt", b"x"), tags="a;b"))
    assert "A tag has" in answer.content.decode()
    assert not Document.objects.filter(app=app).exists()


def test_no_app_is_preselected_for_an_upload_except_the_one_that_it_was_opened_from(
    admin_client: Client, app: App
) -> None:
    chosen = '<option value="{}" selected>'
    shown = admin_client.get(f"{PAGES}add/").content.decode().partition('name="encoding"')[0]
    assert chosen.format("") in shown
    assert shown.count(" selected>") == 1
    assert chosen.format(app.pk) in admin_client.get(f"{PAGES}add/?app={app.pk}").content.decode()
    answer = admin_client.post(f"{PAGES}add/", {**upload(app, ("a.txt", b"x")), "app": ""})
    assert "This field is required" in answer.content.decode()


def test_only_tags_can_be_edited(admin_client: Client, app: App) -> None:
    add_upload(app, name="a.txt", data=b"alpha")
    document = Document.objects.get(app=app)
    answer = admin_client.post(f"{PAGES}{document.pk}/change/", {"tags": "sea,land", "title": "x", "state": "ready"})
    assert answer.status_code == 302
    changed = Document.objects.get(pk=document.pk)
    assert (changed.tags, changed.title) == (["sea", "land"], "a.txt")


def test_a_document_is_deleted_with_its_chunks(admin_client: Client, server: Server, app: App) -> None:
    document = ready(app, "a.txt", "alpha")
    assert admin_client.post(f"{PAGES}{document.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Document.objects.filter(app=app).exists()


def test_deleting_an_app_shows_how_many_documents_are_deleted(admin_client: Client, app: App) -> None:
    add_upload(app, name="a.txt", data=b"alpha")
    answer = admin_client.get(f"/admin/apps_registry/app/{app.pk}/delete/").content.decode()
    assert "Documents: 1" in answer


def test_operators_who_may_only_view_change_nothing(staff_client: Callable[..., Client], app: App) -> None:
    add_upload(app, name="a.txt", data=b"alpha")
    document = Document.objects.get(app=app)
    onlooker = staff_client("view_document")
    assert onlooker.get(f"{PAGES}{document.pk}/change/").status_code == 200
    assert "Ingest again" not in onlooker.get(f"{PAGES}{document.pk}/change/").content.decode()
    assert onlooker.post(f"{PAGES}{document.pk}/ingest/").status_code == 403
    assert onlooker.get(f"{PAGES}add/").status_code == 403
    stranger = staff_client("view_app")
    assert stranger.get(f"{PAGES}search/?app={app.pk}&q=alpha").status_code == 403


def test_a_get_request_to_a_button_changes_nothing(admin_client: Client, server: Server, app: App) -> None:
    document = ready(app, "a.txt", "alpha")
    admin_client.get(f"{PAGES}{document.pk}/ingest/")
    assert Document.objects.get(pk=document.pk).ingested_at == document.ingested_at


@pytest.mark.parametrize("path", ["abc/change/", "999999999/ingest/", "search/?app=abc&q=x", "search/?app=&q=%00"])
def test_the_page_of_an_unknown_document_does_not_fail(admin_client: Client, path: str) -> None:
    assert admin_client.get(f"{PAGES}{path}").status_code in {200, 302, 400, 404}


def test_settings_that_vectors_depend_on_cannot_be_changed(admin_client: Client) -> None:
    provider = factories.make_model().provider
    fields = {"name": factories.unique("e"), "provider": provider.pk, "provider_model_id": "text-e", "dimensions": 9}
    assert admin_client.post("/admin/apps_registry/embeddingmodel/add/", fields).status_code == 302
    model = EmbeddingModel.objects.get(name=fields["name"])
    page = f"/admin/apps_registry/embeddingmodel/{model.pk}/change/"
    admin_client.post(page, {**fields, "dimensions": 10})
    assert EmbeddingModel.objects.get(pk=model.pk).dimensions == 9
    lacking = admin_client.post("/admin/apps_registry/embeddingmodel/add/", {**fields, "provider": "", "name": "x"})
    assert lacking.status_code == 200
    embedded = EmbeddingModel.objects.get(provider=None, provider_model_id="")
    answer = admin_client.post(f"/admin/apps_registry/embeddingmodel/{embedded.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
