"""OpenAPI imports in the console: read the document, choose operations, review the changes, create the tools."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from apps_registry.models import App, Tool
from apps_registry.models.openapi import OpenApiSource
from tests.admin.conftest import PAYLOAD
from tests.apps_registry.openapi.documents import price_api
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def document(tmp_path: Path) -> Callable[..., Path]:
    """Writes a document: document(data)."""

    def write(data: dict[str, Any]) -> Path:
        (tmp_path / "api.json").write_text(json.dumps(data))
        return tmp_path / "api.json"

    return write


def upload(console: "Page", server: Server, app: App, path: Path, prefix: str = "") -> None:
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/tools/")
    console.click("text=Import from OpenAPI")
    console.set_input_files("#id_file", path)
    console.fill("#id_name_prefix", prefix)
    console.click("text=Read the document")


@pytest.mark.thorough
@pytest.mark.browser
def test_operations_are_chosen_shown_and_imported(
    console: "Page",
    server: Server,
    app: App,
    document: Callable[..., Path],
) -> None:
    data = price_api("https://api.example.com")
    data["paths"]["/prices/{symbol}"]["get"]["summary"] = PAYLOAD
    upload(console, server, app, document(data), "px_")
    assert console.locator(".aomi-panel tbody tr").count() == 4
    console.select_option("#openapi-tag", "prices")
    console.click("text=Filter")
    console.check("input[value=getPrice]")
    console.click("text=Preview the changes")
    assert "1 added. Nothing has changed yet." in console.inner_text(".aomi-lead")
    assert "API_EXAMPLE_COM__BASIC" in console.inner_text("#openapi-secrets ~ .aomi-scroll")
    assert not app.tools.filter(kind=Tool.Kind.HTTP).exists()
    console.click("text=Apply")
    assert "1 added" in console.inner_text(".messagelist")
    assert "px_getPrice" in console.inner_text("#http-tools")
    assert console.evaluate("window.hacked") is None

    price = data["paths"]["/prices/{symbol}"]["get"]
    price["summary"] = "A plain summary"
    upload(console, server, app, document(data))
    console.click("text=Preview the changes")
    assert "A plain summary" in console.inner_text(".aomi-panel tbody")
    console.click("text=Apply")
    assert app.tools.get(name="px_getPrice").http_definition().description == "A plain summary."


def test_changes_after_the_preview_must_be_reviewed_again(
    admin_client: Client,
    app: App,
    document: Callable[..., Path],
) -> None:
    base = f"/admin/apps_registry/app/{app.pk}/openapi/"
    with document(price_api("https://api.example.com")).open("rb") as file:
        page = admin_client.post(base, {"file": file})
    address = page["Location"]
    assert OpenApiSource.objects.get(app=app).tools.count() == 0
    shown = admin_client.post(address, {"operation": ["getPrice", "listOrders"]})
    digest = shown.context["digest"]
    stale = admin_client.post(address, {"operation": ["getPrice"], "digest": digest})
    assert b"changed in the meantime" in stale.content
    assert not app.tools.filter(kind=Tool.Kind.HTTP).exists()
    done = admin_client.post(address, {"operation": ["getPrice", "listOrders"], "digest": digest})
    assert done.status_code == 302
    assert app.tools.filter(kind=Tool.Kind.HTTP).count() == 2
    assert LogEntry.objects.filter(object_id=str(app.pk), change_message__contains="2 added").exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, b"Choose a file or enter an address"),
        ({"url": "file:///etc/passwd"}, b"Use an address such as"),
        ({"url": "http://127.0.0.1:1/openapi.json"}, b"the call is not allowed"),
        ({"url": "https://api.example.com/x", "name_prefix": "a b"}, b"Use letters, digits"),
    ],
)
def test_a_document_that_cannot_be_fetched_is_explained(
    admin_client: Client,
    app: App,
    fields: dict[str, str],
    words: bytes,
) -> None:
    page = admin_client.post(f"/admin/apps_registry/app/{app.pk}/openapi/", fields)
    assert words in page.content


def test_a_document_of_another_app_does_not_exist(
    admin_client: Client,
    app: App,
    other_app: App,
    document: Callable[..., Path],
) -> None:
    with document(price_api("https://api.example.com")).open("rb") as file:
        page = admin_client.post(f"/admin/apps_registry/app/{app.pk}/openapi/", {"file": file})
    foreign = page["Location"].replace(f"/app/{app.pk}/", f"/app/{other_app.pk}/")
    assert admin_client.get(foreign).status_code == 404
    assert admin_client.post(foreign, {"operation": "getPrice"}).status_code == 404


def test_operators_who_may_only_view_import_nothing(staff_client: Callable[..., Client], app: App) -> None:
    onlooker = staff_client("view_app", "change_app", "view_tool")
    assert onlooker.get(f"/admin/apps_registry/app/{app.pk}/openapi/").status_code == 403
