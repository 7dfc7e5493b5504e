"""Nothing that a run writes contains a key, secret, message or signature, however a call is refused."""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.urls import NoReverseMatch, reverse

from apps_registry.models import App
from keys import crypto
from keys.canaries import make_canary
from keys.models import KeyFailure
from keys.services import revoke_key
from tests import factories
from tests.admin.conftest import over_http
from tests.admin.test_playground import Playground
from tests.api.test_app_keys import CALLS
from tests.api.token_calls import ask_for_token, new_token
from tests.client import Client
from tests.model_server import ScriptedModel, refuses, says
from tests.patience import scaled
from tests.product import NO_TLS, Server
from tests.wallets import TestWallet

# Where messages belong: the rows of conversations, and the pages that show them.
OF_CONVERSATIONS = ("sessions_app_",)
SIGNATURE = "0x" + "5e" * 64 + "1b"
ROWS_OF_A_LIST = 3


@pytest.fixture
def marks(app: App) -> dict[str, str]:
    """The texts that must not be found: the secret parts of keys, and a message."""
    KeyFailure.objects.all().delete()
    revoked = factories.make_key(app)
    revoke_key(revoked.app_key)
    return {
        "good key": factories.make_key(app).plain,
        "key of another App": factories.make_key(factories.make_app()).plain,
        "revoked key": revoked.plain,
        "unknown key": crypto.make_key(app.slug).plain,
        "canary key": make_canary(label="a test", slug=app.slug)[1],
        "damaged key": factories.make_key(app).plain[:-1] + "-",
        "forged token": f"bt-{uuid.uuid4().hex}{uuid.uuid4().hex}",
        "message": f"message-{uuid.uuid4().hex}",
        "signature": SIGNATURE,
    }


@pytest.mark.thorough
def test_nothing_secret_is_written_on_any_path(
    start: Callable[..., Server], app: App, model: ScriptedModel, marks: dict[str, str]
) -> None:
    server = start(workers=2, LOG_LEVEL="DEBUG")
    marks |= tokens(server, app, marks["good key"])
    wallet = TestWallet()
    challenge = proof_of(server, marks["good key"], wallet)
    marks["signature of a wallet"] = wallet.sign(challenge)
    needles = {name: re.compile(re.escape(text[-24:])) for name, text in marks.items()}
    model.will(refuses(400), says("ok"))
    answers = [*refused_calls(server, app, marks), *proofs(server, marks, challenge), *door_calls(server, app, marks)]
    assert {answer.status_code for answer in answers} >= {400, 401, 403, 404, 405, 413, 415, 502}
    answers += playground_calls(server, app, marks["message"])
    for answer in answers:
        if answer.status_code >= 400:
            check(f"answer of {answer.request.url.path}", answer.text + str(answer.headers), needles)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        check("the list of processes", read(path), needles)
    metrics = server.get("/metrics", headers={"Authorization": "Bearer metrics-token-of-the-tests"})
    check("metrics", metrics.text, needles)
    assert server.stop() == 0
    check("the server's log", server.log, needles)
    assert "POST /api/chat 200" in server.log
    for log in Path(os.environ["AOMI_DATA_DIR"]).rglob("*log*"):
        if log.is_file():
            check(f"PostgreSQL's {log.name}", read(log), needles)
    for table, text in rows_with(needles):
        raise AssertionError(f"{table}: {text}")
    for url, text in pages():
        shows_messages = "/sessions_app/" in url
        check(url, text, {name: each for name, each in needles.items() if not (shows_messages and name == "message")})


def refused_calls(server: Server, app: App, marks: dict[str, str]) -> Iterator[httpx2.Response]:
    """Make every call with every credential, and other calls that are refused."""
    message = marks["message"]
    for name in ("good key", "key of another App", "revoked key", "unknown key", "canary key", "damaged key"):
        for headers in ({"AOMI-APP-KEY": marks[name]}, {"Authorization": f"Bearer {marks[name]}"}):
            yield from calls(server, app, headers, message)
    yield from calls(server, app, {"Authorization": f"Bearer {marks['forged token']}"}, message)
    yield from calls(server, app, {}, message)
    with Client(server.url, app=app.slug, key=marks["good key"]) as client:
        yield client.post_chat(message)
        yield client.post_chat(message)
        as_csv = {"Content-Type": "text/csv"}
        yield client.request("POST", "/api/chat", content=message.encode(), headers=as_csv)
        yield client.request("POST", "/api/chat", json={"message": message * 2000})
        yield client.request("POST", "/api/chat", content=message.encode() * 40_000, headers=as_csv)
        yield client.request("POST", "/api/chat", params={"message": message, "user_state": "{" + message})
        yield client.request("GET", f"/api/nothing/{marks['good key']}", params={"message": message})
        yield client.request("POST", "/api/chat", params={"message": message, "app": marks["good key"]})
        yield client.request("GET", "/api/state", headers={"X-Request-Id": marks["good key"], "Host": "x.example"})


def calls(server: Server, app: App, headers: dict[str, str], message: str) -> Iterator[httpx2.Response]:
    session = factories.make_session(app, [("user", "earlier")])
    with Client(server.url, session_id=str(session.pk)) as client:
        for method, path, parameters in CALLS.values():
            if path == "/api/updates" or (method, path) == ("DELETE", "/api/key"):
                continue
            filled = {
                key: value.format(app=app.slug, model=app.default_model.name)
                for key, value in {**parameters, "message": message, "signature": SIGNATURE}.items()
            }
            address = path.format(id=client.session_id)
            yield client.request(method, address, params=filled, headers=headers)
            if not headers:
                yield client.request("PUT", address, params=filled)


def tokens(server: Server, app: App, key: str) -> dict[str, str]:
    """Return browser tokens by what is wrong with them."""
    revoked = factories.make_key(app)
    ended = new_token(server, revoked.plain, app=app.slug)
    revoke_key(revoked.app_key)
    return {
        "browser token": new_token(server, key, app=app.slug),
        "token for another session": new_token(server, key, app=app.slug, session_id=str(uuid.uuid4())),
        "token for an origin": new_token(server, key, app=app.slug, origin="https://page.example"),
        "token of a revoked key": ended,
    }


def proof_of(server: Server, key: str, wallet: TestWallet) -> str:
    with Client(server.url, key=key) as client:
        asked = {"address": wallet.address, "chain_id": 1}
        return str(client.request("POST", "/api/wallet/challenge", json=asked).json()["message"])


def proofs(server: Server, marks: dict[str, str], challenge: str) -> Iterator[httpx2.Response]:
    """Send a wallet's signature where it proves nothing, in all places where a client may put it."""
    signature = marks["signature of a wallet"]
    with Client(server.url, key=marks["good key"]) as client:
        for sent in ({"message": challenge}, {"message": challenge[:-1]}, {"message": marks["message"]}, {}):
            yield client.request("POST", "/api/wallet/verify", json={**sent, "signature": signature})
        yield client.request("POST", "/api/wallet/verify", params={"message": challenge, "signature": signature})


def door_calls(server: Server, app: App, marks: dict[str, str]) -> Iterator[httpx2.Response]:
    """Make the calls of every protocol with every credential, and some that no door can read."""
    names = [name for name in marks if "key" in name or "token" in name]
    bearers = [{"Authorization": f"Bearer {marks[name]}"} for name in names]
    with httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=scaled(60)) as http:
        for headers in ({}, {"Authorization": f"Basic {marks['good key']}"}, *bearers):
            for path, body in bodies_of_doors(app, marks["message"]):
                yield http.post(path, json=body, headers=headers)
            yield http.get("/api/state", headers={**headers, "X-Session-Id": marks["message"]})
        good = {"Authorization": f"Bearer {marks['good key']}"}
        for path in ("/v1/chat/completions", "/v1/responses", "/v1/conversations", "/mcp", f"/mcp/{app.slug}"):
            yield http.post(path, content=marks["message"], headers=good)
            yield http.post(path, content="{" + marks["message"], headers={**good, "Content-Type": "application/json"})
            yield http.put(path, json={}, headers=good)
        for name in names:  # where neither belongs
            yield http.get("/v1/models", params={"api_key": marks[name], "access_token": marks[name]})
            yield http.get(f"/v1/models/{marks[name]}", headers=good)
            yield http.post(f"/mcp/{marks[name]}", json={}, headers=good)
            yield ask_for_token(server, marks["good key"], {"app": marks[name], "origin": marks[name]})


def bodies_of_doors(app: App, message: str) -> Iterator[tuple[str, dict[str, Any]]]:
    messages = [{"role": "user", "content": message}]
    for model in (app.slug, "no-such-app", f"{message} {message}"):  # the last one is no name of an App
        yield "/v1/chat/completions", {"model": model, "messages": messages}
        yield "/v1/responses", {"model": model, "input": message}
        yield "/v1/conversations", {"model": model, "items": [{"type": "message", **messages[0]}]}
    yield "/v1/chat/completions", {"model": app.slug, "messages": messages, "stream": True}
    yield "/v1/chat/completions", {"model": app.slug, "messages": [{"role": message, "content": message}]}
    yield "/v1/responses", {"model": app.slug, "input": message, "previous_response_id": message}
    called = {"name": f"ask_{app.slug}", "arguments": {"message": message}}
    for path in ("/mcp", f"/mcp/{app.slug}"):
        yield path, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called}
        yield path, {"jsonrpc": "2.0", "id": 1, "method": message, "params": {"name": message}}


def playground_calls(server: Server, app: App, message: str) -> list[httpx2.Response]:
    """Talk to the App as an operator, also in ways that are refused."""
    browser = Browser()
    browser.force_login(User.objects.get(pk=factories.make_operator().pk))
    with over_http(server, browser) as http:
        playground = Playground(http, app)
        more_asked: tuple[dict[str, str], ...] = (
            {},
            {"public_key": message},
            {"client_tools": message},
            {"session_id": message},
        )
        answers = [playground.post(message=message, **more) for more in more_asked]
    assert [answer.status_code for answer in answers] == [200, 400, 400, 400]
    return answers


def check(source: str, text: str, needles: dict[str, re.Pattern[str]]) -> None:
    for name, needle in needles.items():
        assert not needle.search(text), f"the {name} is in {source}"


def read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:  # the process has ended
        return ""


def rows_with(needles: dict[str, re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    """Yield rows of any table that contain a needle where it does not belong."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            for name, needle in needles.items():
                if name == "message" and table.startswith(OF_CONVERSATIONS):
                    continue
                query = f'SELECT whole::text FROM "{table}" whole WHERE position(%s in whole::text) > 0 LIMIT 1'
                cursor.execute(query, [needle.pattern.replace("\\", "")])
                yield from ((f"the {name} is in {table}", row[0]) for row in cursor.fetchall())


CONSOLE = ("/admin/", "/admin/usage/", "/admin/settings/")


def pages() -> Iterator[tuple[str, str]]:
    """Yield the list of every object in the console, and the pages of its newest rows."""
    browser = Browser()
    browser.force_login(User.objects.get(pk=factories.make_operator().pk))
    yield from ((path, browser.get(path).content.decode()) for path in CONSOLE)
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths = [reverse(f"{name}_changelist")]
        try:
            newest = model._default_manager.order_by("-pk")[:ROWS_OF_A_LIST]
            paths += [reverse(f"{name}_change", args=[row.pk]) for row in newest]
        except NoReverseMatch:  # an object with one page
            pass
        for path in paths:
            answer = browser.get(path)
            assert answer.status_code in {200, 302}, path  # some rows have no page, such as a tool that is built in
            yield path, answer.content.decode()
