"""The backend and the page of docs/api.md, copied from there: a browser on another origin chats and streams."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from apps_registry.models import App
from keys.services import IssuedKey, revoke_key
from sessions_app.models import ChatSession
from tests import factories
from tests.docs.markdown import blocks
from tests.model_server import ScriptedModel, says
from tests.patience import scaled
from tests.product import NO_TLS, Server, free_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def issued(app: App) -> IssuedKey:
    return factories.make_key(app)


@pytest.fixture
def site(server: Server, app: App, issued: IssuedKey, tmp_path: Path) -> Iterator[str]:
    """The origin of the website, whose backend runs in a separate process."""
    (backend,), (page,) = blocks("docs/api.md", "python"), blocks("docs/api.md", "html")
    (tmp_path / "backend.py").write_text(backend)
    (tmp_path / "page.html").write_text(page)
    origin = f"http://127.0.0.1:{free_port()}"
    App.objects.filter(pk=app.pk).update(allowed_origins=origin, refuses_other_origins=True, makes_titles=True)
    variables = {"APPS_URL": server.url, "APP": app.slug, "APP_KEY": issued.plain, "ORIGIN": origin}
    command = [sys.executable, "backend.py"]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **variables}, stdout=log, stderr=log) as process,
    ):
        wait_until(lambda: _answers(origin))
        yield origin
        process.terminate()


def _answers(origin: str) -> bool:
    try:
        return httpx2.get(origin, verify=NO_TLS).status_code == 200
    except httpx2.TransportError:
        return False


def send(page: "Page", message: str, reply: str) -> None:
    page.fill("input[name=message]", message)
    page.click("text=Send")
    page.wait_for_function(
        "reply => document.querySelector('#reply').textContent.includes(reply)", arg=reply, timeout=scaled(30) * 1000
    )


@pytest.mark.thorough
@pytest.mark.browser
def test_a_page_of_another_origin_chats_streams_and_follows_its_session(
    site: str, browser_page: "Page", issued: IssuedKey, model: ScriptedModel, server: Server
) -> None:
    model.will(says("Hello", " from", " a stream."), says("A fine title"))
    urls: list[str] = []
    browser_page.on("request", lambda request: urls.append(request.url))
    browser_page.goto(site)
    send(browser_page, "Hi", "Hello from a stream.")
    browser_page.wait_for_function("document.querySelector('#title').textContent === 'A fine title'")
    browser_page.reload()  # the same session, which the backend's cookie names
    model.will(says("Welcome back."))
    send(browser_page, "Hi again", "Welcome back.")
    assert ChatSession.objects.filter(app__keys=issued.app_key).count() == 1
    assert not any("bt-" in url or "sk-" in url for url in urls)
    assert issued.plain not in browser_page.content()
    revoke_key(issued.app_key)
    browser_page.evaluate("document.querySelector('#reply').textContent = ''")
    browser_page.fill("input[name=message]", "Still there?")
    with browser_page.expect_response(f"{server.url}/api/chat") as refused:
        browser_page.click("text=Send")
    assert refused.value.status == 401
    browser_page.wait_for_function("document.querySelector('#reply').textContent.startsWith('Please try again')")


@pytest.mark.thorough
@pytest.mark.browser
def test_a_page_elsewhere_gets_nothing_with_the_same_token(site: str, browser_page: "Page", server: Server) -> None:
    """The token is for another origin than the page's, which the browser sends."""
    token = httpx2.post(f"{site}/token", verify=NO_TLS).json()
    browser_page.goto(f"{server.url}/livez")
    result = browser_page.evaluate(
        """async ({ token, session_id }) => {
            const headers = { Authorization: `Bearer ${token}`, "X-Session-Id": session_id };
            const chat = await fetch("/api/chat?message=Hi", { method: "POST", headers });
            const state = await fetch("/api/state", { headers });
            return [chat.status, (await chat.json()).code, state.status, (await state.json()).code];
        }""",
        token,
    )
    assert result == [403, "origin_not_allowed"] * 2


@pytest.mark.thorough
@pytest.mark.browser
def test_a_page_of_the_servers_own_origin_needs_no_origin_header(
    browser_page: "Page", app: App, issued: IssuedKey, server: Server
) -> None:
    body = {"app": app.slug, "origin": server.url}
    answer = httpx2.post(
        f"{server.url}/api/token", json=body, headers={"Authorization": f"Bearer {issued.plain}"}, verify=NO_TLS
    )
    browser_page.goto(f"{server.url}/livez")
    status = browser_page.evaluate(
        """async (token) => {
            const headers = { Authorization: `Bearer ${token}`, "X-Session-Id": crypto.randomUUID() };
            return (await fetch("/api/state", { headers })).status;
        }""",
        answer.json()["token"],
    )
    assert status == 200
