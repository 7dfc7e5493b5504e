"""App files in the console: export, comparison with the App, import."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from apps_registry.app_files.yaml_writer import dump
from apps_registry.models import App
from tests import factories
from tests.admin.conftest import PAYLOAD
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMPORT = "/admin/apps_registry/app/import/"


@pytest.mark.thorough
@pytest.mark.browser
def test_an_app_is_exported_changed_and_imported(console: "Page", server: Server, app: App, tmp_path: Path) -> None:
    factories.make_document(app, f"Terms.\n{PAYLOAD}\n", name="terms.md")
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/change/")
    with console.expect_download() as download:
        console.click("text=Export as a file")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == f"{app.slug}.yaml"
    data = yaml.safe_load(path.read_text())
    data["preamble"] = f"Be kind.\n{PAYLOAD}\n"
    path.write_text(dump(data))

    console.goto(f"{server.url}/admin/apps_registry/app/")
    console.click("text=Import an App file")
    console.set_input_files("#id_file", path)
    console.click("button >> text=Preview the changes")
    assert "+  Be kind." in console.inner_text(".aomi-diff")
    assert "terms.md" not in console.inner_text(".aomi-diff")
    assert App.objects.get(pk=app.pk).preamble == ""
    console.click("text=Apply")
    assert "was imported" in console.inner_text(".messagelist")
    assert App.objects.get(pk=app.pk).preamble == data["preamble"]
    assert console.evaluate("window.hacked") is None
    console.goto(f"{server.url}{IMPORT}")
    console.set_input_files("#id_file", path)
    console.click("button >> text=Preview the changes")
    assert "there is nothing to do" in console.inner_text(".aomi-lead")


def upload(client: Client, text: str) -> bytes:
    return bytes(client.post(IMPORT, {"file": SimpleUploadedFile("app.yaml", text.encode())}).content)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("colour: red", b"colour: there is no such field."),
        ("documents: [{name: a.md, file: a.md}]", b"documents[0].file: a.md did not come with the App file"),
        ("preamble: " + "x" * 2**20, b"larger than 1 MB"),
    ],
    ids=["field", "file", "size"],
)
def test_a_file_that_is_refused_is_explained(admin_client: Client, more: str, words: bytes) -> None:
    slug = factories.unique("refused")
    assert words in upload(admin_client, f"slug: {slug}\nname: x\n{more}\n")
    assert not App.objects.filter(slug=slug).exists()


def test_changes_after_the_preview_must_be_reviewed_again(admin_client: Client, app: App) -> None:
    text = dump({"slug": app.slug, "name": "Renamed"})
    shown = admin_client.post(IMPORT, {"file": SimpleUploadedFile("app.yaml", text.encode())})
    App.objects.filter(pk=app.pk).update(preamble="Changed meanwhile.")
    stale = admin_client.post(IMPORT, {"text": text, "digest": shown.context["digest"]})
    assert b"has changed in the meantime" in stale.content
    assert App.objects.get(pk=app.pk).name != "Renamed"
    done = admin_client.post(IMPORT, {"text": text, "digest": stale.context["digest"]})
    assert done.status_code == 302
    assert App.objects.get(pk=app.pk).name == "Renamed"


def test_a_new_app_that_is_confirmed_several_times_at_once_is_made_once(admin_client: Client) -> None:
    text = dump({"slug": factories.unique("twice"), "name": "Twice"})
    shown = admin_client.post(IMPORT, {"file": SimpleUploadedFile("app.yaml", text.encode())})
    at_once = threading.Barrier(4)

    def confirm(_: int) -> int:
        try:
            at_once.wait()
            return admin_client.post(IMPORT, {"text": text, "digest": shown.context["digest"]}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, range(4))) == [
            200,
            200,
            200,
            302,
        ]  # the others are shown the App that exists now


def test_operators_who_may_only_view_cannot_export_or_import(staff_client: Callable[..., Client], app: App) -> None:
    onlooker = staff_client("view_app", "change_app", "add_app", "view_tool")
    assert onlooker.get(f"/admin/apps_registry/app/{app.pk}/export/").status_code == 403
    assert onlooker.get(IMPORT).status_code == 403
    assert onlooker.post(IMPORT, {"text": "slug: x", "digest": ""}).status_code == 403
    assert b"Import an App file" not in onlooker.get("/admin/apps_registry/app/").content
