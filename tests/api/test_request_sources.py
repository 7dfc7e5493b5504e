"""Keys and Apps that are limited to origins and networks: who is let in, on the next request of either worker."""

import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from apps_registry.models import App
from keys.models import AppKey
from tests import factories
from tests.api.test_app_keys import ABOUT_THE_KEY, CALLS, KEYLESS
from tests.api.token_calls import Page, ask_for_token, new_token
from tests.client import Client
from tests.model_server import ModelServer
from tests.patience import scaled
from tests.product import Server
from tests.waiting import wait_until

SITE, ELSEWHERE = "https://shop.example", "https://elsewhere.example"
EVERY_WORKER = range(8)  # each request is a separate connection, so these reach both workers
NOT_FROM_THERE = {"origin": "403 origin_not_allowed", "network": "403 network_not_allowed"}


@pytest.fixture
def proxied(serve: Callable[..., Server]) -> Server:
    """Two workers behind a trusted proxy, which reports the addresses of clients."""
    return serve(workers=2, TRUSTED_PROXIES="127.0.0.1")


@pytest.fixture
def app(model_server: ModelServer) -> App:
    return factories.make_app(base_url=model_server.base_url, allowed_origins=SITE)


def code_of(response: httpx2.Response) -> str:
    is_problem = response.headers.get("Content-Type") == "application/problem+json"
    return f"{response.status_code} {response.json()['code']}" if is_problem else str(response.status_code)


def call(client: Client, name: str, app: App, **headers: str) -> str:
    method, path, params = CALLS[name]
    query = {parameter: value.format(app=app.slug, model=app.default_model.name) for parameter, value in params.items()}
    own = {"X-Session-Id": client.session_id, **headers, **({"AOMI-APP-KEY": client.key} if client.key else {})}
    with client.http.stream(method, path.format(id=client.session_id), headers=own, params=query) as response:
        if response.headers.get("Content-Type") == "text/event-stream":
            return "200"
        response.read()
        return code_of(response)


def opened(name: str) -> str:
    return {"wallet/verify": "400 invalid_request", "revoke the key": "204"}.get(name, "200")


LIMITS: dict[str, tuple[dict[str, str], dict[str, str], list[dict[str, str]]]] = {
    # The columns of the key, the headers that it accepts, and those that it refuses.
    "origin": (
        {"allowed_origins": f"https://other.example\n{SITE}"},
        {"Origin": SITE},
        [{}, {"Origin": ELSEWHERE}, {"Origin": "null"}, {"Origin": f"{SITE}:8443"}, {"Referer": f"{SITE}/"}],
    ),
    "network": (
        {"allowed_networks": "192.0.2.0/24\n2001:db8::/32"},
        {"X-Forwarded-For": "192.0.2.77"},
        [{}, {"X-Forwarded-For": "192.0.3.1"}, {"X-Forwarded-For": "2001:db9::1"}],
    ),
}


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("name", CALLS)
def test_a_key_works_only_from_its_origins_and_networks(proxied: Server, app: App, kind: str, name: str) -> None:
    columns, inside, outside = LIMITS[kind]
    issued = factories.make_key(app)
    AppKey.objects.filter(pk=issued.app_key.pk).update(**columns)
    session = factories.make_session(app, [("user", "private")])
    with Client(proxied.url, key=issued.plain, session_id=str(session.pk)) as client:
        for headers in outside:
            assert call(client, name, app, **headers) == NOT_FROM_THERE[kind]
        assert call(client, name, app, **inside) == opened(name)


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("name", sorted(CALLS.keys() - KEYLESS - ABOUT_THE_KEY))
def test_an_app_can_be_used_only_from_its_origins_and_networks(proxied: Server, app: App, kind: str, name: str) -> None:
    _, inside, outside = LIMITS[kind]
    limits: dict[str, Any] = {"refuses_other_origins": True} if kind == "origin" else LIMITS[kind][0]
    App.objects.filter(pk=app.pk).update(**limits)
    session = factories.make_session(app, [("user", "private")])
    with Client(proxied.url, key=factories.make_key(app).plain, session_id=str(session.pk)) as client:
        for headers in outside:
            assert call(client, name, app, **headers) == NOT_FROM_THERE[kind]
        key, client.key = client.key, None  # callers without access are not told where an App may be used from
        for headers in (inside, *outside):
            assert call(client, name, app, **headers) == "401 invalid_app_key"
        client.key = key
        assert call(client, name, app, **inside) == opened(name)


def test_callers_without_a_key_are_limited_too(proxied: Server, app: App) -> None:
    session = factories.make_session(app, [("user", "private")])
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True, allowed_networks="198.51.100.0/24")
    with Client(proxied.url, session_id=str(session.pk)) as client:
        assert call(client, "state", app, **{"X-Forwarded-For": "192.0.2.1"}) == NOT_FROM_THERE["network"]
        assert call(client, "state", app, **{"X-Forwarded-For": "198.51.100.9"}) == "200"


ADDRESSES = {
    "192.0.2.77": True,
    "::ffff:192.0.2.77": True,
    "[::ffff:192.0.2.77]:4711": True,
    "192.0.2.77:4711": True,
    "2001:db8:0:1::7": True,
    "[2001:db8::7]:4711": True,
    "192.0.2.77, 127.0.0.1": True,  # as reported by the proxy before the last one
    "192.0.2.77, 203.0.113.9": False,  # a caller may send anything before what our own proxy adds
    "192.0.3.77": False,
    "::ffff:192.0.3.77": False,
    "2001:db9::7": False,
    "::192.0.2.77": False,
    "unknown": False,
    "": False,
}


@pytest.mark.parametrize(("forwarded", "is_inside"), ADDRESSES.items())
def test_addresses_count_as_the_trusted_proxy_reports_them(
    proxied: Server, app: App, forwarded: str, is_inside: bool
) -> None:
    issued = factories.make_key(app, networks="192.0.2.0/24\n2001:db8::/32")
    with Client(proxied.url, key=issued.plain) as client:
        answer = call(client, "control/apps", app, **{"X-Forwarded-For": forwarded})
    assert answer == ("200" if is_inside else NOT_FROM_THERE["network"])


def test_nobody_can_claim_an_address_without_a_trusted_proxy(server: Server, app: App) -> None:
    with Client(server.url, key=factories.make_key(app, networks="192.0.2.0/24").plain) as client:
        assert call(client, "control/apps", app, **{"X-Forwarded-For": "192.0.2.1"}) == NOT_FROM_THERE["network"]
    with Client(server.url, key=factories.make_key(app, networks="127.0.0.0/8").plain) as client:
        assert call(client, "control/apps", app) == "200"


def test_a_wrong_key_is_not_told_of_limits(proxied: Server, app: App) -> None:
    issued = factories.make_key(app, networks="192.0.2.0/24", origins=SITE)
    wrong = issued.plain[:-1] + ("A" if issued.plain[-1] != "A" else "B")
    with Client(proxied.url, key=wrong) as client:
        assert call(client, "control/apps", app) == "401 invalid_app_key"


def test_a_backends_network_does_not_limit_its_pages(proxied: Server, app: App) -> None:
    key = factories.make_key(app, networks="192.0.2.0/24").plain
    backend = {"X-Forwarded-For": "192.0.2.1"}
    assert ask_for_token(proxied, key, {"app": app.slug}).status_code == 403
    token = ask_for_token(proxied, key, {"app": app.slug, "origin": SITE}, **backend).json()["token"]
    with Page(proxied.url, token, origin=SITE) as page:
        assert page.code("GET", "/api/state", headers={"X-Forwarded-For": "203.0.113.5"}) == "200"


def test_a_backend_gets_tokens_for_an_app_that_only_pages_may_use(server: Server, app: App) -> None:
    App.objects.filter(pk=app.pk).update(refuses_other_origins=True, allowed_networks="127.0.0.1")
    key = factories.make_key(app).plain
    with Client(server.url, key=key, app=app.slug) as backend:
        assert code_of(backend.post_chat("Hi")) == NOT_FROM_THERE["origin"]
    with Page(server.url, new_token(server, key, app=app.slug, origin=SITE), origin=SITE) as page:
        assert page.chat("Hi")["app"] == app.slug
    refused = ask_for_token(server, key, {"app": app.slug, "origin": ELSEWHERE})
    assert code_of(refused) == NOT_FROM_THERE["origin"]


def test_an_app_that_names_no_origins_but_refuses_others_refuses_all(server: Server, app: App) -> None:
    App.objects.filter(pk=app.pk).update(refuses_other_origins=True, allowed_origins="")
    with Client(server.url, key=factories.make_key(app).plain, app=app.slug) as client:
        for headers in ({}, {"Origin": SITE}):
            answer = client.request("POST", "/api/chat", params={"message": "Hi", "app": app.slug}, headers=headers)
            assert code_of(answer) == NOT_FROM_THERE["origin"]


def test_pages_read_refusals_of_their_origin(server: Server, app: App) -> None:
    """The App's own origins are also those of CORS: a page that may call can read every answer."""
    App.objects.filter(pk=app.pk).update(refuses_other_origins=True, allowed_networks="192.0.2.0/24")
    with Client(server.url, key=factories.make_key(app).plain, app=app.slug) as page:
        refused = page.request("POST", "/api/chat", params={"message": "Hi", "app": app.slug}, headers={"Origin": SITE})
        assert (code_of(refused), refused.headers["Access-Control-Allow-Origin"]) == (NOT_FROM_THERE["network"], SITE)


def test_a_limited_app_is_not_listed_elsewhere(proxied: Server, app: App) -> None:
    App.objects.filter(pk=app.pk).update(allowed_networks="192.0.2.0/24")
    with Client(proxied.url, key=factories.make_key(app).plain) as client:
        for address, listed in (("192.0.2.1", ["default", app.slug]), ("192.0.3.1", ["default"])):
            answer = client.request("GET", "/api/control/apps", headers={"X-Forwarded-For": address})
            assert answer.json() == listed


def limit_key(app: App) -> None:
    AppKey.objects.filter(apps=app).update(allowed_networks="192.0.2.0/24")


def limit_keys_origins(app: App) -> None:
    AppKey.objects.filter(apps=app).update(allowed_origins=ELSEWHERE)


def limit_app(app: App) -> None:
    App.objects.filter(pk=app.pk).update(allowed_networks="192.0.2.0/24")


def limit_apps_origins(app: App) -> None:
    App.objects.filter(pk=app.pk).update(allowed_origins=ELSEWHERE, refuses_other_origins=True)


NARROWINGS: dict[Callable[[App], None], str] = {
    limit_key: "network",
    limit_keys_origins: "origin",
    limit_app: "network",
    limit_apps_origins: "origin",
}


@pytest.mark.parametrize("narrow", NARROWINGS, ids=lambda narrow: narrow.__name__)
def test_a_narrower_limit_takes_effect_with_the_next_request_and_ends_open_streams(
    server: Server, app: App, narrow: Callable[[App], None]
) -> None:
    key, session = factories.make_key(app).plain, factories.make_session(app, [("user", "private")])
    ended = [threading.Event() for _ in range(4)]
    begun = threading.Barrier(len(ended) + 1)

    def read(event: threading.Event) -> None:
        with Client(server.url, key=key, session_id=str(session.pk)) as client:
            headers = {"X-Session-Id": client.session_id, "AOMI-APP-KEY": key, "Origin": SITE}
            with client.http.stream("GET", "/api/updates", headers=headers, timeout=scaled(30)) as response:
                begun.wait(scaled(30))
                for _ in response.iter_bytes():
                    pass
        event.set()

    for event in ended:
        threading.Thread(target=read, args=(event,), daemon=True).start()
    begun.wait(scaled(30))
    with Client(server.url, key=key, session_id=str(session.pk)) as client:
        assert {call(client, "state", app, Origin=SITE) for _ in EVERY_WORKER} == {"200"}
        narrow(app)
        refused = NOT_FROM_THERE[NARROWINGS[narrow]]
        assert {call(client, "state", app, Origin=SITE) for _ in EVERY_WORKER} == {refused}
        assert {call(client, "chat", app, Origin=SITE) for _ in EVERY_WORKER} == {refused}
    wait_until(lambda: all(event.is_set() for event in ended))
