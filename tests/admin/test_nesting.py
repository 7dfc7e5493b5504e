"""Documents and fields that are nested too deeply are refused with a message, and the server keeps working."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps_registry.models import App, Model, Provider, Tool
from sessions_app.models import ChatSession, SystemEvent
from tests import factories
from tests.admin.test_tool_pages import ADD, form
from tests.client import Client as ApiClient
from tests.commands import Result
from tests.product import NO_TLS, Server
from tests.upstream import Upstream

CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
DEEP = {
    "JSON": b'{"openapi": "3.1.0", "x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "JSON, unclosed": b"[" * 30_000,
    "YAML, flow": b"openapi: 3.1.0\nx: " + b"[" * 30_000,
    "YAML, mappings": b"openapi: 3.1.0\nx: " + b"{a: " * 30_000,
    "YAML, block": b"- " * 30_000,
    "YAML, keys": b"? " * 30_000,
}


@pytest.mark.parametrize("content", DEEP.values(), ids=DEEP)
def test_a_deep_document_is_refused_by_file_and_by_address(
    admin_client: Client, app: App, upstream: Upstream, content: bytes
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    upstream.handle = lambda handler, _: handler.reply(content)
    page = f"/admin/apps_registry/app/{app.pk}/openapi/"
    for sent in ({"file": SimpleUploadedFile("api.yaml", content)}, {"url": f"{upstream.url}/api.yaml"}):
        answer = admin_client.post(page, sent)
        assert (answer.status_code, b"nest" in answer.content) == (200, True)
    answer = admin_client.post("/admin/apps_registry/app/import/", {"file": SimpleUploadedFile("app.yaml", content)})
    assert (answer.status_code, b"nest" in answer.content) == (200, True)


@pytest.mark.parametrize("content", DEEP.values(), ids=DEEP)
def test_a_deep_document_is_refused_by_both_commands(
    manage: Callable[..., Result], app: App, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "api.yaml"
    path.write_bytes(content)
    for command in (("import_openapi", app.slug, str(path), "--list"), ("import_app", str(path))):
        done = manage(*command)
        assert (done.code, "nest" in done.err, "Traceback" in done.err) == (1, True, False), done.err


def test_the_worker_survives_a_deep_document(server: Server, admin_client: Client, app: App) -> None:
    page = f"{server.url}/admin/apps_registry/app/{app.pk}/openapi/"
    cookies = {name: cookie.value for name, cookie in admin_client.cookies.items()}
    with httpx2.Client(cookies=cookies, timeout=60, verify=NO_TLS, headers={"Referer": page}) as browser:
        token = CSRF_TOKEN.search(browser.get(page).text)
        assert token is not None
        for content in DEEP.values():
            answer = browser.post(page, data={"csrfmiddlewaretoken": token[1]}, files={"file": ("api.yaml", content)})
            assert (answer.status_code, "nest" in answer.text) == (200, True)
    with ApiClient(server.url) as caller:
        assert caller.chat("Still there?")["status"] == "idle"


def test_a_wide_document_is_read_in_time(admin_client: Client, app: App) -> None:
    """0.8 MB of flow sequences, which took a minute of a core."""
    content = b"openapi: 3.1.0\nx: " + b"[" * 190 + b"[]," * 200_000 + b"]" * 190
    began = time.process_time()
    answer = admin_client.post(
        f"/admin/apps_registry/app/{app.pk}/openapi/", {"file": SimpleUploadedFile("api.yaml", content)}
    )
    assert answer.status_code == 302
    assert time.process_time() - began < 20


@pytest.mark.parametrize("depth", [101, 300, 990, 100_000])
def test_deep_json_in_a_field_is_refused_at_the_field(admin_client: Client, app: App, depth: int) -> None:
    deep = '{"a":' + "[" * depth + "]" * depth + "}"
    provider = Provider.objects.earliest("pk").pk
    options: dict[str, Any] = {"name": factories.unique("m"), "provider": provider, "context_window": 1000}
    options |= {"provider_model_id": "x", "request_options": deep}
    refused = admin_client.post("/admin/apps_registry/model/add/", options)
    assert (refused.status_code, b"nested too deeply" in refused.content) == (200, True)
    assert not Model.objects.filter(name=options["name"]).exists()
    schema = '{"type":"object","properties":' + deep + "}"
    for sent in ({"parameters": schema}, {"method": "POST", "body_type": "json", "body": deep}):
        refused = admin_client.post(ADD, form(app, **sent))
        assert (refused.status_code, b"nested" in refused.content) == (200, True)
    assert not Tool.objects.filter(app=app, name="fetch").exists()


@pytest.mark.parametrize("depth", [300, 1000, 100_000])
def test_deep_json_that_is_already_stored_can_be_shown(client: ApiClient, admin_client: Client, depth: int) -> None:
    client.chat("Hi")
    ChatSession.objects.filter(pk=client.uuid).update(user_state="{" + '"a":{' * (depth - 1) + "}" * depth, version=1)
    SystemEvent.objects.create(session_id=client.uuid, kind="AsyncCallback", payload="[" * depth + "]" * depth)
    ChatSession.objects.filter(pk=client.uuid).update(undelivered_events=1)
    for path in ("/api/state", "/api/events", f"/api/sessions/{client.session_id}"):
        assert client.request("GET", path).status_code == 200
    assert client.post_chat("And now?").status_code == 200
    page = admin_client.get(f"/admin/sessions_app/chatsession/{client.session_id}/change/")
    assert page.status_code == 200
