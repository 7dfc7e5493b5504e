"""Browser tokens: what they open on every endpoint, what they do not, and when they end, on two workers."""

import base64
import concurrent.futures
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps_registry.models import App
from keys.models import AppKey, TokenSigningKey
from keys.refusals.rules import RULES
from keys.services import IssuedKey, revoke_key
from sessions_app.models import ChatSession, Turn
from tests import factories
from tests.api.test_app_keys import ABOUT_THE_KEY, CALLS
from tests.api.token_calls import Page, ask_for_token, bearer, new_token
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, says
from tests.patience import scaled
from tests.product import Server
from tests.waiting import wait_until

WALLET, OTHER_WALLET = "0x" + "ab" * 20, "0x" + "cd" * 20
SITE = "https://shop.example"
EVERY_WORKER = range(8)  # each request is a separate connection, so these reach both workers


@pytest.fixture
def issued(app: App) -> IssuedKey:
    return factories.make_key(app)


@pytest.fixture
def key(issued: IssuedKey) -> str:
    return issued.plain


def call(page: Page, name: str, app: App) -> str:
    """Make one call of the table of endpoints; return its status, and the code of an error."""
    method, path, params = CALLS[name]
    query = {parameter: value.format(app=app.slug, model=app.default_model.name) for parameter, value in params.items()}
    own = bearer(page.token, **{"X-Session-Id": page.session_id})
    if page.origin:
        own["Origin"] = page.origin
    with page.http.stream(method, path.format(id=page.session_id), headers=own, params=query) as response:
        if response.headers.get("Content-Type") == "text/event-stream":  # it never ends; its beginning is the answer
            return "200"
        response.read()
        return f"{response.status_code} {response.json()['code']}" if response.status_code >= 400 else "200"


def opened(name: str) -> str:
    """Return the answer to a page whose token opens the session."""
    if name in ABOUT_THE_KEY:
        return "403 app_not_authorized"
    return (
        "400 invalid_request" if name == "wallet/verify" else "200"
    )  # the token is accepted, but the signature is invalid


def session_of(app: App | None, **columns: Any) -> str:
    session = factories.make_session(app, [("user", "private"), ("agent", "words")] if app else [], **columns)
    return str(session.pk)


def test_an_issued_token_says_when_it_expires(server: Server, app: App, key: str) -> None:
    before = datetime.now(UTC)
    response = ask_for_token(server, key, {"app": app.slug})
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert response.json().keys() == {"token", "expires_at"}
    token, until = response.json()["token"], datetime.fromisoformat(response.json()["expires_at"])
    assert token.startswith("bt-")
    assert timedelta(minutes=14) < until - before < timedelta(minutes=16)
    longest = datetime.fromisoformat(
        ask_for_token(server, key, {"app": app.slug, "expires_in": 3600}).json()["expires_at"]
    )
    assert timedelta(minutes=59) < longest - before < timedelta(minutes=61)
    with Page(server.url, token) as page:
        assert page.chat("Hi")["app"] == app.slug  # without `app`, the token's App answers
    turn = Turn.objects.get(session_id=page.uuid)
    assert turn.app_key_id == AppKey.objects.get(apps=app).pk


def test_a_token_ends_no_later_than_its_key(server: Server, app: App) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=5)
    soon_over = factories.make_key(app, expires_at=ends).plain
    until = ask_for_token(server, soon_over, {"app": app.slug, "expires_in": 3600}).json()["expires_at"]
    assert abs(datetime.fromisoformat(until) - ends) < timedelta(seconds=2)


WRONG_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no App": ({}, "app"),
    "an empty App": ({"app": " "}, "app"),
    "too long": ({"expires_in": 3601}, "expires_in"),
    "no time": ({"expires_in": 0}, "expires_in"),
    "a time in words": ({"expires_in": "soon"}, "expires_in"),
    "a fraction": ({"expires_in": 1.5}, "expires_in"),
    "yes": ({"expires_in": True}, "expires_in"),
    "a huge time": ({"expires_in": "9" * 5000}, "expires_in"),
    "a session that is none": ({"session_id": "mine"}, "session_id"),
    "a session in braces": ({"session_id": "{550e8400-e29b-41d4-a716-446655440000}"}, "session_id"),
    "the nil session": ({"session_id": str(uuid.UUID(int=0))}, "session_id"),
    "a wallet that is none": ({"wallet": "0xab"}, "wallet"),
    "an origin with a path": ({"origin": "https://shop.example/cart"}, "origin"),
    "no origin": ({"origin": "null"}, "origin"),
    "any origin": ({"origin": "*"}, "origin"),
    "origins": ({"origin": [SITE]}, "origin"),
}


@pytest.mark.parametrize(("body", "named"), WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_a_wrong_request_is_refused_by_name(
    server: Server, app: App, key: str, body: dict[str, Any], named: str
) -> None:
    response = ask_for_token(server, key, {"app": app.slug, **body} if named != "app" else body)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert named in response.json()["detail"]


def test_only_a_key_of_the_app_gets_a_token(server: Server, app: App, other_app: App, key: str) -> None:
    foreign = session_of(other_app)
    bound = session_of(app, wallet_address=OTHER_WALLET)
    for headers, body, expected in [
        ({}, {"app": other_app.slug}, "403 app_not_authorized"),
        ({}, {"app": "no-such-app"}, "403 app_not_authorized"),
        ({}, {"app": app.slug, "session_id": foreign}, "403 session_not_available"),
        ({}, {"app": app.slug, "session_id": bound, "wallet": WALLET}, "403 session_not_available"),
        ({"Authorization": ""}, {"app": app.slug}, "401 invalid_app_key"),
        ({"Authorization": ""}, {"app": "default"}, "401 invalid_app_key"),
        ({"Authorization": "Bearer sk-nope"}, {"app": app.slug}, "401 invalid_app_key"),
    ]:
        response = ask_for_token(server, key, body, **headers)
        assert f"{response.status_code} {response.json()['code']}" == expected, body


@pytest.mark.parametrize("name", CALLS)
def test_a_token_opens_every_call_of_its_app(server: Server, app: App, key: str, name: str) -> None:
    with Page(server.url, new_token(server, key, app=app.slug), session_id=session_of(app)) as page:
        assert call(page, name, app) == opened(name)


SESSION_CALLS = sorted(CALLS.keys() - ABOUT_THE_KEY - {"models, by App", "control/apps", "session/apps"})


@pytest.mark.parametrize("name", SESSION_CALLS)
def test_a_token_opens_no_other_app(server: Server, app: App, other_app: App, name: str) -> None:
    """Neither another App of its key, nor the default App, nor one whose sessions need no key."""
    key = factories.make_key(app, other_app).plain
    token = new_token(server, key, app=app.slug)
    App.objects.filter(pk=other_app.pk).update(sessions_readable_by_id=True)
    for other in (other_app, App.objects.get(is_default=True)):
        with Page(server.url, token, session_id=session_of(other)) as page:
            assert call(page, name, other) in {"403 app_not_authorized", "403 session_not_available"}


@pytest.mark.parametrize("name", sorted(CALLS.keys() - ABOUT_THE_KEY))
def test_a_token_of_a_session_opens_no_other(server: Server, app: App, key: str, name: str) -> None:
    own = session_of(app)
    token = new_token(server, key, app=app.slug, session_id=own)
    with Page(server.url, token, session_id=session_of(app)) as page:
        assert call(page, name, app) == "403 session_not_available"
        page.session_id = str(uuid.uuid4())  # nor one that does not exist yet
        assert call(page, name, app) == "403 session_not_available"
        page.session_id = own.upper()
        assert call(page, name, app) == opened(name)


@pytest.mark.parametrize("name", SESSION_CALLS)
def test_a_token_of_a_wallet_opens_no_session_of_another(server: Server, app: App, key: str, name: str) -> None:
    token = new_token(server, key, app=app.slug, wallet=WALLET.upper().replace("0X", "0x"))
    with Page(server.url, token, session_id=session_of(app, wallet_address=OTHER_WALLET)) as page:
        assert call(page, name, app) == "403 session_not_available"
        page.session_id = session_of(app, wallet_address=WALLET)
        # The challenge of the table is for the token's wallet.
        assert call(page, name, app) == opened(name)


@pytest.mark.parametrize("name", CALLS)
def test_a_token_of_an_origin_works_nowhere_else(server: Server, app: App, key: str, name: str) -> None:
    token = new_token(server, key, app=app.slug, origin="HTTPS://Shop.example:443")
    session_id = session_of(app)
    for origin in (None, "null", "https://evil.example", "https://shop.example.evil.example", "http://shop.example"):
        with Page(server.url, token, session_id=session_id, origin=origin) as page:
            assert call(page, name, app) == "403 origin_not_allowed"
    with Page(server.url, token, session_id=session_id, origin=SITE) as page:
        assert call(page, name, app) == opened(name)


def test_a_page_of_the_servers_own_origin_sends_none(server: Server, app: App, key: str) -> None:
    """Browsers send no Origin with a GET to the page's own origin, but Sec-Fetch-Site: same-origin."""
    token = new_token(server, key, app=app.slug, origin=server.url)
    with Page(server.url, token) as page:
        assert page.code("GET", "/api/state", headers={"Sec-Fetch-Site": "same-origin"}) == "200"
        for elsewhere in ("same-site", "cross-site", "none"):
            result = page.code("GET", "/api/state", headers={"Sec-Fetch-Site": elsewhere})
            assert result == "403 origin_not_allowed"


KEY_CALLS = [("POST", "/api/token"), ("GET", "/api/key"), ("GET", "/api/key/usage"), ("DELETE", "/api/key")]


def test_a_token_is_not_a_key(server: Server, app: App, key: str) -> None:
    with Page(server.url, new_token(server, key, app=app.slug)) as page:
        for method, path in KEY_CALLS:
            body = {"app": app.slug} if method == "POST" else None
            assert page.code(method, path, json=body) == "403 app_not_authorized", path
        assert page.request("GET", "/api/control/apps").json() == [app.slug]
        assert page.request("GET", "/api/session/apps").json() == [{"name": app.slug}]
        assert page.code("GET", "/api/state", headers={"AOMI-APP-KEY": page.token}) == "401 invalid_app_key"


def tampered(part: int, change: Callable[[str], str]) -> Callable[[str], str]:
    def make(token: str) -> str:
        parts = token.split(".")
        parts[part] = change(parts[part])
        return ".".join(parts)

    return make


def _other_app(content: str) -> str:
    result = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    return base64.urlsafe_b64encode(json.dumps({**result, "app": result["app"] + 1}).encode()).rstrip(b"=").decode()


def _longer(content: str) -> str:
    result = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    return base64.urlsafe_b64encode(json.dumps({**result, "expires": 4_000_000_000}).encode()).rstrip(b"=").decode()


JWT_NONE = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
BAD_TOKENS: dict[str, Callable[[str], str]] = {
    "no content": lambda token: "bt-",
    "garbage": lambda token: "bt-garbage",
    "for another App": tampered(1, _other_app),
    "for longer": tampered(1, _longer),
    "another signature": tampered(2, lambda signature: signature[::-1]),
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "another signing key": tampered(0, lambda head: "bt-999999999"),
    "an algorithm of the caller's": lambda token: f"bt-{JWT_NONE}.{token.split('.')[1]}.",
    "padding": lambda token: token + "=",
    "another case": lambda token: token[:-5] + token[-5:].swapcase(),
    "8 KB": lambda token: token + "A" * 8192,
    "a character that is not ASCII": lambda token: token[:-1] + "é",
    "twice": lambda token: f"{token}, Bearer {token}x",
    "in quotes": lambda token: f'"{token}"',
}


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_token_is_refused_everywhere_with_one_body(server: Server, app: App, key: str, name: str) -> None:
    token = new_token(server, key, app=app.slug)
    method, path, params = CALLS[name]
    session_id, bodies = session_of(app), []
    with Client(server.url) as stranger:
        for kind, spoil in BAD_TOKENS.items():
            sent = {**bearer(spoil(token)), "X-Session-Id": session_id}
            answer = stranger.http.request(
                method,
                path.format(id=session_id),
                headers=[(parameter.encode(), value.encode()) for parameter, value in sent.items()],
                params={parameter: value.format(app=app.slug, model="m") for parameter, value in params.items()},
            )
            assert answer.status_code == 401, kind
            assert answer.headers["WWW-Authenticate"] == "AppKey"
            bodies.append({**answer.json(), "request_id": ""})
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "invalid_app_key"


def test_two_credentials_are_refused_unless_they_are_one(server: Server, app: App, key: str) -> None:
    token, another = (new_token(server, key, app=app.slug) for _ in range(2))
    with Client(server.url) as client:
        for headers in (
            {"Authorization": f"Bearer {token}", "AOMI-APP-KEY": key},
            {"Authorization": f"Bearer {token}", "AOMI-APP-KEY": token},
            {"Authorization": f"Bearer {token}", "AOMI-APP-KEY": ""},
            {"Authorization": f"Bearer {token}, Bearer {another}x"},
            {"Authorization": f"Bearer {token}, Bearer {key}"},
        ):
            assert client.request("GET", "/api/state", headers=headers).status_code == 401
        twice = {"Authorization": f"Bearer {token}, Bearer {token}"}
        assert client.request("GET", "/api/state", headers=twice).status_code == 200


@pytest.mark.parametrize("name", CALLS)
def test_an_app_key_as_a_bearer_token_has_the_same_scope_as_in_its_own_header(
    server: Server, app: App, key: str, name: str
) -> None:
    with Page(server.url, key, session_id=session_of(app)) as holder:
        assert call(holder, name, app) == ("200" if name in ABOUT_THE_KEY else opened(name))


# --- The end of a token ------------------------------------------------------------------------------------


def revoke(issued: IssuedKey) -> None:
    revoke_key(issued.app_key)


def expire(issued: IssuedKey) -> None:
    AppKey.objects.filter(pk=issued.app_key.pk).update(expires_at=datetime.now(UTC))


def narrow(issued: IssuedKey) -> None:
    issued.app_key.apps.set([factories.make_app()])


def limit_origins(issued: IssuedKey) -> None:
    AppKey.objects.filter(pk=issued.app_key.pk).update(allowed_origins="https://elsewhere.example")


def rotate_now(issued: IssuedKey) -> None:
    TokenSigningKey.objects.update(retires_at=datetime.now(UTC))


ENDS: dict[Callable[[IssuedKey], None], str] = {
    revoke: "401 invalid_app_key",
    expire: "401 invalid_app_key",
    narrow: "401 invalid_app_key",
    rotate_now: "401 invalid_app_key",
    limit_origins: "403 origin_not_allowed",
}


@pytest.fixture
def streams_ended(server: Server, app: App, key: str) -> Callable[[], bool]:
    """Open streams of a token, on both workers; calling it tells whether all of them have ended."""
    token = new_token(server, key, app=app.slug, origin=SITE)
    ended = [threading.Event() for _ in range(4)]
    begun = threading.Barrier(len(ended) + 1)

    def read(event: threading.Event) -> None:
        with Page(server.url, token, origin=SITE) as page:
            headers = {**bearer(token, Origin=SITE), "X-Session-Id": page.session_id}
            with page.http.stream("GET", "/api/updates", headers=headers, timeout=scaled(30)) as response:
                assert response.status_code == 200
                begun.wait(scaled(30))
                for _ in response.iter_bytes():
                    pass
        event.set()

    for event in ended:
        threading.Thread(target=read, args=(event,), daemon=True).start()
    begun.wait(scaled(30))
    return lambda: all(event.is_set() for event in ended)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_tokens_end_with_their_key_at_the_next_request_and_so_do_their_streams(
    server: Server, app: App, issued: IssuedKey, streams_ended: Callable[[], bool], end: Callable[[IssuedKey], None]
) -> None:
    token = new_token(server, issued.plain, app=app.slug, origin=SITE)
    with Page(server.url, token, origin=SITE) as page:
        assert {page.code("GET", "/api/control/models") for _ in EVERY_WORKER} == {"200"}
        assert not streams_ended()
        end(issued)
        assert {page.code("GET", "/api/control/models") for _ in EVERY_WORKER} == {ENDS[end]}
        assert {page.code("POST", "/api/chat?message=Hi") for _ in EVERY_WORKER} == {ENDS[end]}
    wait_until(streams_ended)


def test_a_token_and_its_stream_end_on_time(server: Server, app: App, key: str) -> None:
    token = new_token(server, key, app=app.slug, expires_in=3)
    with Page(server.url, token) as page:
        headers = {**bearer(token), "X-Session-Id": page.session_id}
        with page.http.stream("GET", "/api/updates", headers=headers, timeout=scaled(30)) as response:
            assert response.status_code == 200
            for _ in response.iter_bytes():  # ends by itself
                pass
        assert {page.code("GET", "/api/state") for _ in EVERY_WORKER} == {"401 invalid_app_key"}


def test_a_chat_stream_ends_with_the_token(server: Server, app: App, issued: IssuedKey, model: ScriptedModel) -> None:
    token = new_token(server, issued.plain, app=app.slug)
    model.will(says(*["word "] * 40, pause=0.2))
    with Page(server.url, token) as page:
        headers = {**bearer(token, Accept="text/event-stream"), "X-Session-Id": page.session_id}
        with page.http.stream("POST", "/api/chat?message=Hi", headers=headers, timeout=scaled(30)) as response:
            lines = (line for line in response.iter_lines() if line.startswith("data: "))
            assert json.loads(next(lines).removeprefix("data: "))["type"] == "text"
            revoke_key(issued.app_key)
            last = [json.loads(line.removeprefix("data: ")) for line in lines][-1]
    assert (last["type"], last["code"]) == ("error", "invalid_app_key")


def test_a_new_signing_key_keeps_earlier_tokens_valid(
    server: Server, app: App, key: str, manage: Callable[..., Result]
) -> None:
    earlier = new_token(server, key, app=app.slug)
    result = json.loads(manage("rotate_token_keys", "--json").out)
    assert result["earlier_tokens"] == "live out their time"
    later = new_token(server, key, app=app.slug)
    assert later.startswith(f"bt-{result['id']}.")
    for token in (earlier, later):
        with Page(server.url, token) as page:
            assert {page.code("GET", "/api/state") for _ in EVERY_WORKER} == {"200"}
    assert "have ended" in manage("rotate_token_keys", "--now").out
    for token in (earlier, later):
        with Page(server.url, token) as page:
            assert {page.code("GET", "/api/state") for _ in EVERY_WORKER} == {"401 invalid_app_key"}
    with Page(server.url, new_token(server, key, app=app.slug)) as page:
        assert {page.code("GET", "/api/state") for _ in EVERY_WORKER} == {"200"}
    salts = TokenSigningKey.objects.values_list("salt", flat=True)
    assert len(set(salts)) == len(salts)


def test_the_server_makes_a_new_signing_key_itself(server: Server, app: App, key: str) -> None:
    old = new_token(server, key, app=app.slug)
    TokenSigningKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=31))
    new = new_token(server, key, app=app.slug)
    assert old.split(".")[0] != new.split(".")[0]
    with Page(server.url, old) as page:
        assert page.code("GET", "/api/state") == "200"


# --- Wallets -----------------------------------------------------------------------------------------------


def test_a_wallet_of_a_token_is_claimed_unless_the_app_trusts_its_backend(
    server: Server, app: App, key: str, model: ScriptedModel
) -> None:
    token = new_token(server, key, app=app.slug, wallet=WALLET)
    with Page(server.url, token) as page:
        page.chat("Hi")
        session = ChatSession.objects.get(pk=page.uuid)
        assert (session.wallet_address, session.wallet_is_proven) == (WALLET, False)
        App.objects.filter(pk=app.pk).update(trusts_backend_wallets=True)
        page.chat("Hi again", user_state=json.dumps({"address": WALLET, "chain_id": 8453}))
        session.refresh_from_db()
        assert (session.wallet_is_proven, session.wallet_chain_id) == (True, 8453)
    assert "has proven by signature" in json.dumps(model.prompts[-1])


@pytest.mark.parametrize("path", ["/api/sessions", "/api/system?message=ready", "/api/control/model?rig={model}"])
def test_sessions_created_with_a_token_belong_to_its_app_and_wallet(
    server: Server, app: App, key: str, path: str
) -> None:
    App.objects.filter(pk=app.pk).update(trusts_backend_wallets=True)
    token = new_token(server, key, app=app.slug, wallet=WALLET)
    with Page(server.url, token) as page:
        assert page.code("POST", path.format(model=app.default_model.name)) == "200"
        session = ChatSession.objects.get(pk=page.uuid)
        assert (session.app_id, session.wallet_address, session.wallet_is_proven) == (app.pk, WALLET, True)


def test_a_page_cannot_name_another_wallet_than_its_token(server: Server, app: App, key: str) -> None:
    token = new_token(server, key, app=app.slug, wallet=WALLET)
    state = json.dumps({"evm": {"address": OTHER_WALLET}})
    with Page(server.url, token) as page:
        page.chat("Hi")
        for method, path, query in [
            ("POST", "/api/chat", {"message": "Hi", "public_key": OTHER_WALLET}),
            ("POST", "/api/chat", {"message": "Hi", "user_state": state}),
            ("GET", "/api/state", {"public_key": OTHER_WALLET}),
            ("GET", "/api/state", {"user_state": state}),
            ("POST", "/api/sessions", {"public_key": OTHER_WALLET}),
            ("GET", "/api/sessions", {"public_key": OTHER_WALLET}),
            ("POST", "/api/wallet/challenge", {"address": OTHER_WALLET, "chain_id": "1"}),
        ]:
            assert page.code(method, path, params=query) == "403 session_not_available", (method, path)
        assert ChatSession.objects.get(pk=page.uuid).wallet_address == WALLET


def test_a_copy_of_the_session_on_another_worker_does_not_get_around_the_wallet(
    server: Server, app: App, key: str
) -> None:
    token, session_id = new_token(server, key, app=app.slug, wallet=WALLET), str(uuid.uuid4())
    with Client(server.url, app=app.slug, key=key, session_id=session_id) as holder:
        for _ in EVERY_WORKER:  # both workers have a copy of the session from before: without a wallet
            holder.chat("Hi")
        ChatSession.objects.filter(pk=session_id).update(wallet_address=OTHER_WALLET, version=5)
    with Page(server.url, token, session_id=session_id) as page:
        result = {page.code("POST", "/api/chat?message=Hi") for _ in EVERY_WORKER}
    assert result == {"403 session_not_available"}
    assert ChatSession.objects.get(pk=session_id).wallet_address == OTHER_WALLET


def listed(page: Page, wallet: str) -> set[str]:
    answer = page.request(
        "GET", "/api/sessions", params={"public_key": wallet}, headers={"X-Session-Id": page.session_id}
    )
    assert answer.status_code == 200, answer.text
    return {item["session_id"] for item in answer.json()}


def test_a_page_lists_only_what_its_token_opens(server: Server, app: App, other_app: App, key: str) -> None:
    wallet = f"0x{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}"
    own = session_of(app, wallet_address=wallet)
    proven = session_of(app, wallet_address=wallet, wallet_is_proven=True)
    session_of(other_app, wallet_address=wallet, wallet_is_proven=True)
    tokens = {
        "app": new_token(server, key, app=app.slug),
        "wallet": new_token(server, key, app=app.slug, wallet=wallet),
        "session": new_token(server, key, app=app.slug, session_id=proven),
    }
    for kind in ("app", "wallet"):  # a claimed wallet lists only the page's own session
        with Page(server.url, tokens[kind], session_id=own) as page:
            assert listed(page, wallet) == {own}
    with Page(server.url, tokens["session"], session_id=proven) as page:
        assert listed(page, wallet) == {proven}
        without_id = page.http.get("/api/sessions", params={"public_key": wallet}, headers=bearer(page.token))
        assert {item["session_id"] for item in without_id.json()} == {proven}
    App.objects.filter(pk=app.pk).update(trusts_backend_wallets=True)
    with Page(server.url, tokens["wallet"], session_id=own) as page:
        assert listed(page, wallet) == {own, proven}
    with Client(server.url, key=key, session_id=own) as holder:
        assert len(holder.request("GET", "/api/sessions", params={"public_key": wallet}).json()) == 2


def test_a_page_is_told_nothing_of_earlier_sessions_with_a_wallet_that_it_only_claims(
    server: Server, app: App, key: str, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(recalls_earlier_sessions=True)
    wallet = f"0x{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}"
    with Client(server.url, app=app.slug, key=key) as holder:
        holder.chat("The word is ocelot.", public_key=wallet)
    with Page(server.url, new_token(server, key, app=app.slug)) as page:
        page.chat("Hi", public_key=wallet)
    assert "ocelot" not in json.dumps(model.prompts[-1])
    with Client(server.url, app=app.slug, key=key) as holder:
        holder.chat("Hi", public_key=wallet)
    assert "ocelot" in json.dumps(model.prompts[-1])


def test_a_stream_ends_when_its_session_gets_another_wallet(server: Server, app: App, key: str) -> None:
    session_id = session_of(app, wallet_address=WALLET)
    token = new_token(server, key, app=app.slug, wallet=WALLET)
    with Page(server.url, token, session_id=session_id) as page:
        headers = {**bearer(token), "X-Session-Id": session_id}
        with page.http.stream("GET", "/api/updates", headers=headers, timeout=scaled(30)) as response:
            assert response.status_code == 200
            ChatSession.objects.filter(pk=session_id).update(wallet_address=OTHER_WALLET)
            for _ in response.iter_bytes():  # ends by itself
                pass


# --- What becomes of the text ------------------------------------------------------------------------------


def test_a_token_reaches_no_log_and_is_ignored_in_urls(server: Server, app: App, key: str) -> None:
    token = new_token(server, key, app=app.slug)
    session_id = session_of(app)
    with Page(server.url, token, session_id=session_id) as page:
        page.request("GET", f"/api/{token}")
        page.request("GET", "/api/state", headers={"X-Request-Id": token})
        page.request("POST", "/api/chat", json={"message": "Hi"}, headers={"Authorization": f"Bearer {token}x"})
    with Client(server.url, session_id=session_id) as stranger:
        for query in ("token", "access_token", "authorization", "key", "app_key"):
            answer = stranger.request("GET", "/api/state", params={query: token})
            assert answer.status_code == 401
            assert token not in answer.text
    assert token not in server.log
    assert token.rpartition(".")[2] not in server.log


def test_a_token_costs_one_read_and_made_up_signing_keys_cost_none_each(
    start: Callable[..., Server], app: App, key: str, database: str
) -> None:
    from tests.sql_proxy import SqlProxy

    proxy = SqlProxy(database)
    server = start(DATABASE_URL=proxy.url)
    token = new_token(server, key, app=app.slug)
    with Page(server.url, token) as page:
        assert page.code("GET", "/api/control/apps") == "200"
        proxy.statements.clear()
        assert page.code("GET", "/api/control/apps") == "200"
        assert sum("JOIN keys_appkey" in text for text in proxy.statements) == 1
        page.chat("Hi")
        assert proxy.fewest(lambda: page.chat("Hi again")) == 3  # the token, the claim, the finish
        page.token = tampered(1, _longer)(token)
        proxy.statements.clear()
        assert page.code("GET", "/api/control/apps") == "401 invalid_app_key"
        assert not any("JOIN keys_appkey" in text for text in proxy.statements)
        page.token = tampered(0, lambda head: "bt-999999999")(token)
        began = time.monotonic()
        for _ in range(3):
            assert page.code("GET", "/api/control/apps") == "401 invalid_app_key"
        reads = sum("keys_tokensigningkey" in text for text in proxy.statements)
        assert reads <= 2 + (time.monotonic() - began)  # at most one per second
    proxy.close()


def test_refusals_of_tokens_and_sources_are_explained(
    start: Callable[..., Server], app: App, other_app: App, manage: Callable[..., Result]
) -> None:
    server = start(workers=1)  # a server of its own: each server records a bounded number of refusals per minute
    issued = factories.make_key(app, other_app)
    token = new_token(server, issued.plain, app=app.slug)
    of_wallet = new_token(server, issued.plain, app=app.slug, wallet=WALLET)
    of_session = new_token(server, issued.plain, app=app.slug, session_id=str(uuid.uuid4()))
    of_origin = new_token(server, issued.plain, app=app.slug, origin=SITE)
    brief = new_token(server, issued.plain, app=app.slug, expires_in=1)
    moved = new_token(server, issued.plain, app=other_app.slug)
    issued.app_key.apps.remove(other_app)
    limited = {
        "network_of_key": factories.make_key(app, networks="192.0.2.0/24").plain,
        "origin_of_key": factories.make_key(app, origins=SITE).plain,
    }
    answers = {}
    with Page(server.url, token) as page:
        answers["token_is_no_key"] = page.request("DELETE", "/api/key")
        answers["token_in_key_header"] = page.request("GET", "/api/state", headers={"AOMI-APP-KEY": token})
        wallets = {"public_key": OTHER_WALLET}
        for rule, credential, query in [
            ("token_not_signed_here", token[:-1] + ("A" if token[-1] != "A" else "B"), {}),
            ("session_of_token", of_session, {}),
            ("wallet_of_token", of_wallet, wallets),
            ("origin_of_token", of_origin, {}),
            ("token_app_out_of_scope", moved, {}),
            *((rule, credential, {}) for rule, credential in limited.items()),
        ]:
            answers[rule] = page.request("POST", "/api/sessions", params=query, headers=bearer(credential))
        for rule, networks in {
            "network_of_app": "192.0.2.0/24",
            "origin_of_app": "",
        }.items():
            App.objects.filter(pk=app.pk).update(allowed_networks=networks, refuses_other_origins=not networks)
            answers[rule] = page.request("POST", "/api/chat", params={"message": "Hi"})
        wait_until(lambda: page.code("GET", "/api/key", headers=bearer(brief)).startswith("401"))
        answers["token_expired"] = page.request("GET", "/api/key", headers=bearer(brief))
        revoke_key(issued.app_key)
        answers["token_key_gone"] = page.request("GET", "/api/state")
    for rule, answer in answers.items():
        request_id = answer.headers["X-Request-Id"]
        wait_until(lambda request_id=request_id: manage("explain", request_id).code == 0)  # type: ignore[misc]
        explained = json.loads(manage("explain", request_id, "--json").out)
        assert (explained["rule"], explained["refused"]) == (rule, RULES[rule].refused)
        assert token not in json.dumps(explained)


def test_one_visitor_does_not_use_up_what_the_key_may_do(start: Callable[..., Server], app: App, key: str) -> None:
    server = start(STREAMS_PER_ADDRESS="3", CALLS_PER_SECOND_PER_ADDRESS="1", TRUSTED_PROXIES="127.0.0.1")
    token = new_token(server, key, app=app.slug)

    def state(credential: str, address: str) -> int:
        with Page(server.url, credential) as page:
            return page.request("GET", "/api/state", headers={"X-Forwarded-For": address}).status_code

    def streams(address: str) -> list[int]:
        statuses, pages = [], [Page(server.url, token) for _ in range(4)]
        with contextlib.ExitStack() as opened_streams:
            for page in pages:
                headers = {**bearer(token, **{"X-Forwarded-For": address}), "X-Session-Id": page.session_id}
                stream = opened_streams.enter_context(page.http.stream("GET", "/api/updates", headers=headers))
                statuses.append(stream.status_code)
        return statuses

    assert streams("192.0.2.1") == [200, 200, 200, 429]
    assert streams("192.0.2.2") == [200, 200, 200, 429]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: state(token, "192.0.2.3"), range(60)))
    assert set(statuses) == {200, 429}
    assert (state(token, "192.0.2.4"), state(key, "192.0.2.3")) == (200, 200)
