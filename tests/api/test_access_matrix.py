"""The access matrix: each endpoint and method by kind of caller; an endpoint without a row fails the tests."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from apps_registry.models import App
from chat.api.base import ApiView
from keys import crypto
from keys.models import KeyFailure
from keys.services import revoke_key
from sessions_app.models import Turn
from tests import factories
from tests.api.test_app_keys import ABOUT_THE_KEY, CALLS, FOR_EVERYBODY, KEYLESS
from tests.client import Client
from tests.product import Server

RECORD = {"round_number": 0, "created_at": 0, "request": {"model": "m"}}
CHAT = {"model": "{app}", "messages": [{"role": "user", "content": "Hi"}]}
RESPONSE, CONVERSATION = "responses/<str:response_id>", "conversations/<str:conversation>"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
# Method and route -> what the call sends: parameters or a JSON body.
ROWS: dict[tuple[str, str], dict[str, Any]] = {
    **{
        (method, path.removeprefix("/").replace("{id}", "<str:session_id>")): {"params": parameters}
        for method, path, parameters in CALLS.values()
    },
    ("GET", "api/sessions"): {"params": {"public_key": "0x" + "ab" * 20}},
    ("POST", "api/token"): {"json": {"app": "{app}"}},
    ("GET", "v1/models"): {},
    ("GET", "v1/models/<path:name>"): {},
    ("POST", "v1/chat/completions"): {"json": CHAT},
    ("POST", "v1/responses"): {"json": {"model": "{app}", "input": "Hi"}},
    ("GET", f"v1/{RESPONSE}"): {},
    ("DELETE", f"v1/{RESPONSE}"): {},
    ("POST", f"v1/{RESPONSE}/cancel"): {},
    ("GET", f"v1/{RESPONSE}/input_items"): {},
    ("POST", "v1/conversations"): {"json": {"model": "{app}"}},
    ("GET", f"v1/{CONVERSATION}"): {},
    ("POST", f"v1/{CONVERSATION}"): {"json": {"metadata": {}}},
    ("DELETE", f"v1/{CONVERSATION}"): {},
    ("GET", f"v1/{CONVERSATION}/items"): {},
    ("POST", f"v1/{CONVERSATION}/items"): {"json": {"items": [{"role": "user", "content": "Hi"}]}},
    ("GET", f"v1/{CONVERSATION}/items/<str:item>"): {},
    ("DELETE", f"v1/{CONVERSATION}/items/<str:item>"): {},
    ("POST", "mcp"): {"json": LIST},
    ("POST", "mcp/<str:app>"): {"json": LIST},
}
# Lists of what the caller may use: open to everybody who sends no bad key; the list may be short.
OPEN = {("GET", f"api/{path}") for path in KEYLESS} | {("GET", "v1/models"), ("POST", "mcp")}
# Open to every valid key, regardless of its scope.
OF_ANY_KEY = {(CALLS[name][0], CALLS[name][1].removeprefix("/")) for name in ABOUT_THE_KEY}
# The answer to a key of another App, if it is not 403: /v1 says that what a key does not open does not exist.
OTHERS: dict[tuple[str, str], set[int]] = {
    endpoint: {403, 404} for endpoint in ROWS if endpoint[1].startswith("v1/") and endpoint not in OPEN
}
# The answers that a caller with access may get, since requests of this table may be incomplete.
LET_IN = {200, 201, 204, 400}


def endpoints(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, str, bool]]:
    """Yield method and route of every view of the API and of other protocols, and whether everybody may call it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith(("api/", "v1/", "mcp")):
            view: Any = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            is_public = route.removeprefix("api/") in FOR_EVERYBODY
            assert is_public or issubclass(view, ApiView), f"{route} authenticates nobody"
            methods = set(view.http_method_names) - {"options", "head"}
            yield from ((name.upper(), route, is_public) for name in sorted(methods) if hasattr(view, name))


NEEDING_ROWS = [(method, route) for method, route, is_public in endpoints() if not is_public]


def test_every_endpoint_and_method_has_a_row() -> None:
    assert set(NEEDING_ROWS) == ROWS.keys()


@pytest.fixture(autouse=True)
def _no_failures_left() -> None:
    KeyFailure.objects.all().delete()


def bad_credentials(app: App) -> dict[str, dict[str, str]]:
    """Every kind of bad key, in each header that may carry one, and a forged token."""
    parts = crypto.parse_key(factories.make_key(app).plain)
    assert parts is not None
    body = parts.prefix + crypto.make_key("x").secret
    revoked = factories.make_key(app)
    revoke_key(revoked.app_key)
    keys = {
        "malformed": "sk-nope",
        "wrong checksum": factories.make_key(app).plain[:-6] + "000000",
        "unknown": crypto.make_key(app.slug).plain,
        "wrong secret": body + crypto.checksum(body),
        "revoked": revoked.plain,
    }
    callers = {f"{kind}, as a bearer": {"Authorization": f"Bearer {key}"} for kind, key in keys.items()}
    good = factories.make_key(app).plain
    callers["good, in the wrong form"] = {"Authorization": f"AppKey {good}"}
    callers["good, with another one"] = {"Authorization": f"Bearer {good}", "AOMI-APP-KEY": keys["unknown"]}
    callers["forged token"] = {"Authorization": f"Bearer bt-{uuid.uuid4().hex}"}
    return callers | {"unknown, in the header": {"AOMI-APP-KEY": keys["unknown"]}}


@pytest.mark.parametrize("endpoint", NEEDING_ROWS, ids=" ".join)
def test_who_may_call_it(server: Server, app: App, other_app: App, endpoint: tuple[str, str]) -> None:
    for caller, headers in bad_credentials(app).items():
        status, challenge = ask(server, app, endpoint, headers)
        assert (status, bool(challenge)) == (401, True), caller
    is_open = endpoint in OPEN
    status, _ = ask(server, app, endpoint, {})
    assert status == (200 if is_open else 401)
    status, _ = ask(server, app, endpoint, bearer(factories.make_key(other_app).plain))
    if is_open or endpoint in OF_ANY_KEY:
        assert status in LET_IN
    else:
        assert status in OTHERS.get(endpoint, {403})
    status, _ = ask(server, app, endpoint, bearer(factories.make_key(app).plain))
    assert status in LET_IN


# Calls that need a key even if sessions are readable by id alone: chat in every form, and calls that name a key or App.
KEY_IN_ANY_CASE = {
    *OF_ANY_KEY,
    *(("POST", route) for route in ("api/chat", "api/sessions", "api/token", "mcp/<str:app>")),
    *(("POST", f"v1/{route}") for route in ("chat/completions", "responses", "conversations")),
    ("GET", "v1/models/<path:name>"),
}
# A report of what a wallet has done is not a chat either.
WALLET_REPORT = {"type": "wallet:tx_complete", "payload": {"status": "failed", "pending_tx_ids": [1]}}


def test_what_the_id_alone_opens(server: Server, app: App) -> None:
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True)
    statuses = {endpoint: ask(server, app, endpoint, {})[0] for endpoint in NEEDING_ROWS if endpoint not in OPEN}
    assert {endpoint for endpoint, status in statuses.items() if status not in LET_IN} == KEY_IN_ANY_CASE
    report = {"params": {"message": json.dumps(WALLET_REPORT)}}
    for is_lifted in (True, False):
        App.objects.filter(pk=app.pk).update(sessions_readable_by_id=is_lifted)
        assert ask(server, app, ("POST", "api/system"), {}, report)[0] == (200 if is_lifted else 401)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def ask(
    server: Server, app: App, endpoint: tuple[str, str], headers: dict[str, str], row: dict[str, Any] | None = None
) -> tuple[int, str]:
    """Call an endpoint for a session of the App, with its row or another; return the status and the challenge."""
    method, route = endpoint
    session = factories.make_session(app, [("user", "private")])
    turn = Turn.objects.get(session=session)
    Turn.objects.filter(pk=turn.pk).update(responses=[RECORD])
    in_path = {
        "session_id": session.pk,
        "name": app.slug,
        "response_id": f"resp_{turn.pk.hex}",
        "conversation": f"conv_{session.pk.hex}",
        "app": app.slug,
        "item": f"msg_{session.messages.get().pk.hex}",
    }
    path = "/" + re.sub(r"<(?:str|path):(\w+)>", lambda name: str(in_path[name[1]]), route)
    sent = filled(row or ROWS[endpoint], app)
    with Client(server.url, session_id=str(session.pk)) as client:
        own = {"X-Session-Id": client.session_id, **headers}
        with client.http.stream(method, path, headers=own, **sent) as answer:
            return answer.status_code, answer.headers.get("WWW-Authenticate", "")


def filled(row: Any, app: App) -> Any:
    """Return a row with the names of the App and its model filled in."""
    if isinstance(row, str):
        return row.replace("{app}", app.slug).replace("{model}", app.default_model.name)
    if isinstance(row, dict):
        return {key: filled(value, app) for key, value in row.items()}
    return [filled(value, app) for value in row] if isinstance(row, list) else row
