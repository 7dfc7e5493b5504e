"""App keys at every endpoint: which callers get in, and what the others are told."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from apps_registry.models import App
from keys import crypto
from keys.models import AppKey
from keys.services import revoke_key
from tests import factories
from tests.client import Client
from tests.product import Server

# Every endpoint as a call on a session of an App that needs a key: method, path, parameters. The table is complete:
# tests/api/test_access_matrix.py.
CALLS = {
    "chat": ("POST", "/api/chat", {"message": "Hi", "app": "{app}"}),
    "chat, the session's App": ("POST", "/api/chat", {"message": "Hi"}),
    "state": ("GET", "/api/state", {}),
    "sessions": ("POST", "/api/sessions", {}),
    "sessions, by App": ("POST", "/api/sessions", {"app": "{app}"}),
    "sessions/<str:session_id>": ("GET", "/api/sessions/{id}", {}),
    "interrupt": ("POST", "/api/interrupt", {}),
    "updates": ("GET", "/api/updates", {}),
    "archive": ("POST", "/api/sessions/{id}/archive", {}),
    "unarchive": ("POST", "/api/sessions/{id}/unarchive", {}),
    "system": ("POST", "/api/system", {"message": "ready"}),
    "events": ("GET", "/api/events", {}),
    "wallet/challenge": ("POST", "/api/wallet/challenge", {"address": "0x" + "ab" * 20, "chain_id": "1"}),
    "wallet/verify": ("POST", "/api/wallet/verify", {"message": "x", "signature": "0x"}),
    "rename": ("PATCH", "/api/sessions/{id}", {"title": "Mine"}),
    "delete": ("DELETE", "/api/sessions/{id}", {}),
    "control/models": ("GET", "/api/control/models", {}),
    "session/models": ("GET", "/api/session/models", {}),
    "control/model": ("POST", "/api/control/model", {"rig": "{model}"}),
    "session/model": ("POST", "/api/session/model", {"rig": "{model}"}),
    "models, by App": ("GET", "/api/control/models", {"app": "{app}"}),
    "control/apps": ("GET", "/api/control/apps", {}),
    "session/apps": ("GET", "/api/session/apps", {}),
    "key": ("GET", "/api/key", {}),
    "key/usage": ("GET", "/api/key/usage", {}),
    "revoke the key": ("DELETE", "/api/key", {}),
}
FOR_EVERYBODY = {"schema", "docs"}  # no key, no session, nothing of anybody's
KEYLESS = {"control/apps", "session/apps"}  # lists what the caller may use; the list may be short
ABOUT_THE_KEY = {"key", "key/usage", "revoke the key"}  # open to every valid key, regardless of its scope


def wrong_checksum(app: App) -> str:
    key = factories.make_key(app).plain
    return key[:-1] + ("A" if key[-1] != "A" else "B")


def unknown_id(app: App) -> str:
    return crypto.make_key(app.slug).plain


def wrong_secret(app: App) -> str:
    parts = crypto.parse_key(factories.make_key(app).plain)
    assert parts is not None
    body = parts.prefix + crypto.make_key("x").secret
    return body + crypto.checksum(body)


def revoked(app: App) -> str:
    issued = factories.make_key(app)
    revoke_key(issued.app_key)
    return issued.plain


def expired(app: App) -> str:
    return factories.make_key(app, expired_at=datetime.now(UTC) - timedelta(seconds=1)).plain


BAD_KEYS: dict[str, Callable[[App], str]] = {
    "empty": lambda app: "",
    "malformed": lambda app: "not a key",
    "bearer form": lambda app: f"Bearer {factories.make_key(app).plain}",
    "wrong checksum": wrong_checksum,
    "unknown id": unknown_id,
    "right id, wrong secret": wrong_secret,
    "revoked": revoked,
    "expired": expired,
    "two values": lambda app: f"{factories.make_key(app).plain},{factories.make_key(app).plain}",
    "8 KB of junk": lambda app: "sk-" + "x" * 8192,
    "a colon and a quote": lambda app: "sk-x'; DROP TABLE keys_appkey; --",
}


def call(client: Client, name: str, app: App) -> tuple[int, Any, str]:
    method, path, params = CALLS[name]
    own = {"X-Session-Id": client.session_id, **({} if client.key is None else {"AOMI-APP-KEY": client.key})}
    with client.http.stream(
        method,
        path.format(id=client.session_id),
        headers=[(header.encode(), value.encode()) for header, value in own.items()],
        params={key: value.format(app=app.slug, model=app.default_model.name) for key, value in params.items()},
    ) as response:
        if response.headers.get("Content-Type") == "text/event-stream":  # it never ends; its beginning is the answer
            return response.status_code, None, ""
        body = response.json() if response.read() else None
        return response.status_code, body, response.headers.get("WWW-Authenticate", "")


@pytest.fixture
def session_client(server: Server, app: App) -> Client:
    """A client without a key, whose session belongs to `app`."""
    session = factories.make_session(app, [("user", "private"), ("agent", "words")])
    return Client(server.url, session_id=str(session.id))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("bad_key", BAD_KEYS)
def test_a_bad_key_is_refused_everywhere_with_one_body(
    session_client: Client, app: App, name: str, bad_key: str
) -> None:
    session_client.key = BAD_KEYS[bad_key](app)
    status, body, challenge = call(session_client, name, app)
    assert (status, challenge) == (401, "AppKey")
    assert body.pop("request_id")
    assert body == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "This call needs a valid App key, in the header AOMI-APP-KEY or as Authorization: Bearer.",
        "code": "invalid_app_key",
        "error": "This call needs a valid App key, in the header AOMI-APP-KEY or as Authorization: Bearer.",
    }


@pytest.mark.parametrize("name", sorted(CALLS.keys() - KEYLESS))
def test_without_a_key_a_keyed_app_is_closed(session_client: Client, app: App, name: str) -> None:
    status, body, challenge = call(session_client, name, app)
    assert (status, body["code"], challenge) == (401, "invalid_app_key", "AppKey")


@pytest.mark.parametrize("name", sorted(CALLS.keys() - KEYLESS - ABOUT_THE_KEY))
def test_a_key_of_another_app_is_forbidden(session_client: Client, app: App, other_app: App, name: str) -> None:
    session_client.key = factories.make_key(other_app).plain
    status, body, _ = call(session_client, name, app)
    assert status == 403
    assert body["code"] in {"app_not_authorized", "session_not_available"}


@pytest.mark.parametrize("name", CALLS)
def test_a_key_of_the_app_opens_everything(session_client: Client, app: App, name: str) -> None:
    session_client.key = factories.make_key(app).plain
    others = {"wallet/verify": 400, "revoke the key": 204}  # the key is accepted, but the signature is invalid
    assert call(session_client, name, app)[0] == others.get(name, 200)


@pytest.mark.parametrize("name", sorted(KEYLESS))
def test_apps_are_listed_by_scope(client: Client, app: App, other_app: App, name: str) -> None:
    def listed(*slugs: str) -> list[Any]:
        return [slug if name == "control/apps" else {"name": slug} for slug in slugs]

    assert call(client, name, app)[1] == listed("default")
    client.key = factories.make_key(app).plain
    assert call(client, name, app)[1] == listed("default", app.slug)


def without_id(answer: httpx2.Response) -> dict[str, Any]:
    return {**answer.json(), "request_id": ""}


def test_an_unknown_app_looks_like_a_closed_one(client: Client, app: App) -> None:
    answers = [client.post_chat("Hi", app=slug) for slug in ("no-such-app", app.slug)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert without_id(answers[0]) == without_id(answers[1])
    client.key = factories.make_key(factories.make_app()).plain
    answers = [client.post_chat("Hi", app=slug) for slug in ("no-such-app", app.slug)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert without_id(answers[0]) == without_id(answers[1])


def test_an_inactive_app_is_closed_at_once(app_client: Client, app: App) -> None:
    app_client.chat("Hi")
    App.objects.filter(pk=app.pk).update(is_active=False)
    assert [app_client.post_chat("Hi").status_code for _ in range(6)] == [403] * 6


def test_one_key_opens_several_apps(server: Server, app: App, other_app: App) -> None:
    key = factories.make_key(app, other_app).plain
    for slug in (app.slug, other_app.slug):
        with Client(server.url, app=slug, key=key) as client:
            assert client.chat("Hi")["app"] == slug


def test_a_key_opens_the_default_app_too(client: Client, app: App) -> None:
    client.key = factories.make_key(app).plain
    assert client.chat("Hi")["app"] == "default"


def test_revoking_takes_effect_with_the_next_request_to_every_worker(app_client: Client) -> None:
    # Each request is a separate connection, so these warm both workers.
    assert {app_client.request("GET", "/api/control/models").status_code for _ in range(20)} == {200}
    revoke_key(AppKey.objects.latest("created_at"))
    assert [app_client.request("GET", "/api/control/models").status_code for _ in range(20)] == [401] * 20


def test_leaving_the_scope_takes_effect_with_the_next_request(app_client: Client, app: App) -> None:
    app_client.chat("Hi")
    AppKey.objects.latest("created_at").apps.remove(app)
    assert [app_client.post_chat("Hi").status_code for _ in range(6)] == [403] * 6


def test_sessions_readable_by_id_still_need_the_key_to_chat(session_client: Client, app: App) -> None:
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True)
    assert session_client.state()["messages"][0]["content"] == "private"
    assert call(session_client, "rename", app)[0] == 200
    assert call(session_client, "chat", app)[0] == 401


def test_wrong_secrets_are_limited_per_key_and_address(start: Callable[..., Server], app: App) -> None:
    server, issued = start(workers=4), factories.make_key(app)
    parts = crypto.parse_key(issued.plain)
    assert parts is not None
    body = parts.prefix + "A" * crypto.SECRET_LENGTH
    with Client(server.url, key=body + crypto.checksum(body)) as guesser:
        statuses = [guesser.request("GET", "/api/control/apps").status_code for _ in range(22)]
        assert statuses == [401] * 20 + [429] * 2
        assert int(guesser.request("GET", "/api/control/apps").headers["Retry-After"]) > 0
    with Client(server.url, key=factories.make_key(app).plain) as somebody_else:
        assert somebody_else.request("GET", "/api/control/apps").status_code == 200


def test_the_older_header_name_is_accepted_only_where_it_is_configured(
    server: Server, start: Callable[..., Server], app: App
) -> None:
    key = factories.make_key(app).plain
    lenient = start(APP_KEY_HEADERS="AOMI-APP-KEY,X-API-Key")
    for running, expected in ((server, 401), (lenient, 200)):
        with Client(running.url, app=app.slug) as client:
            query = {"message": "Hi", "app": app.slug}
            answer = client.request("POST", "/api/chat", params=query, headers={"X-API-Key": key})
            assert answer.status_code == expected
    with Client(lenient.url, key=key) as client:
        other = factories.make_key(app).plain  # two keys are ambiguous
        for second, expected in ((key, 200), (other, 401), ("", 401)):
            answer = client.request("GET", "/api/control/apps", headers={"X-API-Key": second})
            assert answer.status_code == expected


def test_the_key_is_stored_only_as_a_hash(app: App) -> None:
    issued = factories.make_key(app)
    row = AppKey.objects.filter(pk=issued.app_key.pk).values().get()
    secret = issued.plain.removeprefix(issued.app_key.prefix)
    assert row["secret_hash"].startswith("$argon2id$")
    assert not any(secret[:12] in str(value) for value in row.values())


def test_random_garbage_as_a_key_never_causes_a_server_error(client: Client) -> None:
    for garbage in ("sk-", "sk-a-" + "0" * 46, "💥", uuid.uuid4().hex):
        client.key = garbage
        assert client.request("GET", "/api/control/apps").status_code == 401
