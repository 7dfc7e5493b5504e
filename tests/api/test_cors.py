"""Browsers on other websites: preflights, errors and streams have CORS headers for the allowed origins only."""

from collections.abc import Callable

import pytest

from apps_registry.models import App
from tests import factories
from tests.client import Client
from tests.model_server import ModelServer
from tests.product import Server

DEPLOYMENTS = "https://app.example.com"
APPS = "https://widget.example.org"


@pytest.fixture
def page(serve: Callable[..., Server], model_server: ModelServer) -> Client:
    app = factories.make_app(allowed_origins=f"https://other.example.org\r\n{APPS}", base_url=model_server.base_url)
    url = serve(CORS_ALLOWED_ORIGINS=DEPLOYMENTS).url
    return Client(url, app=app.slug, key=factories.make_key(app).plain)


ALLOWED = (
    *("X-Session-Id", "X-Thread-Id", "AOMI-APP-KEY", "Authorization", "Content-Type", "Idempotency-Key", "Prefer"),
    *("Last-Event-ID", "X-Request-Id", "traceparent", "User-Agent"),
    # The npm package `openai` sends these from browsers.
    *("X-Stainless-Lang", "X-Stainless-Package-Version", "X-Stainless-OS", "X-Stainless-Arch", "X-Stainless-Runtime"),
    *("X-Stainless-Runtime-Version", "X-Stainless-Retry-Count", "X-Stainless-Timeout", "X-Stainless-Helper-Method"),
    *("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id"),
)
# X-Next-Cursor: the next page of GET /api/sessions; X-Session-Id: the session that a call under /v1 has
# created; Mcp-Session-Id: what names an MCP client when it cancels a call.
EXPOSED = (
    *("X-Request-Id", "Retry-After", "Preference-Applied", "RateLimit", "RateLimit-Policy"),
    *("X-Next-Cursor", "X-Session-Id", "Mcp-Session-Id"),
)


def listed(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


def preflight(client: Client, origin: str, method: str = "POST", path: str = "/api/chat") -> dict[str, str]:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "x-session-id,aomi-app-key",
    }
    answer = client.http.request("OPTIONS", path, headers=headers)
    assert answer.status_code in {200, 204}
    return {name.lower(): value for name, value in answer.headers.items()}


@pytest.mark.parametrize("origin", [DEPLOYMENTS, APPS])
def test_a_preflight_needs_neither_key_nor_session(page: Client, origin: str) -> None:
    for method, path in (
        ("POST", "/api/chat"),
        ("GET", "/api/updates"),
        ("DELETE", "/api/sessions/x"),
        ("POST", "/v1/responses"),
    ):
        allowed = preflight(page, origin, method, path)
        assert allowed["access-control-allow-origin"] == origin
        assert method in allowed["access-control-allow-methods"]
        assert listed(allowed["access-control-allow-headers"]) == {name.lower() for name in ALLOWED}
        assert listed(allowed["access-control-allow-methods"]) == {"get", "post", "patch", "delete"}
        assert int(allowed["access-control-max-age"]) > 0


def test_answers_errors_and_streams_carry_the_header(page: Client) -> None:
    origin = {"Origin": APPS}
    for method, path in (
        ("POST", f"/api/chat?message=Hi&app={page.app}"),
        ("GET", "/api/state"),
        ("POST", "/api/chat"),
        ("GET", "/api/nothing"),
        ("PUT", "/api/chat"),
        ("POST", "/api/chat?message=Hi&app=closed"),
        ("GET", "/v1/models"),
        ("GET", f"/v1/models/{page.app}"),
        ("POST", "/v1/responses"),
        ("GET", "/v1/nothing"),
    ):
        answer = page.request(method, path, headers=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == APPS
        assert listed(answer.headers["Access-Control-Expose-Headers"]) == {name.lower() for name in EXPOSED}
    too_large = page.request("POST", "/api/chat", content=b"x" * 1_100_000, headers=origin)
    assert (too_large.status_code, too_large.headers["Access-Control-Allow-Origin"]) == (413, APPS)
    headers = {"X-Session-Id": page.session_id, "AOMI-APP-KEY": page.key or "", **origin}
    with page.http.stream("GET", "/api/updates", headers=headers) as stream:
        assert stream.headers["Access-Control-Allow-Origin"] == APPS


def test_an_apps_website_reads_no_other_apps_answers(page: Client, model_server: ModelServer) -> None:
    other = factories.make_app(base_url=model_server.base_url, allowed_origins="https://another.example.org")
    with Client(str(page.http.base_url), app=other.slug, key=factories.make_key(other).plain) as client:
        for method, path in (("POST", f"/api/chat?message=Hi&app={other.slug}"), ("GET", "/api/state")):
            refused = client.request(method, path, headers={"Origin": APPS})
            assert refused.status_code == 200
            assert "Access-Control-Allow-Origin" not in refused.headers
            elsewhere = client.request("GET", f"/v1/models/{other.slug}", headers={"Origin": APPS})
            assert (elsewhere.status_code, elsewhere.headers.get("Access-Control-Allow-Origin")) == (200, None)
            for origin in ("https://another.example.org", DEPLOYMENTS):
                answer = client.request(method, path, headers={"Origin": origin})
                assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.com.evil.example", "x" * 400])
def test_other_origins_are_told_nothing(page: Client, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(page, origin)
    answer = page.request("GET", "/api/state", headers={"Origin": origin})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_all_origins_are_allowed_if_the_operator_says_so(start: Callable[..., Server]) -> None:
    client = Client(start(CORS_ALLOWED_ORIGINS="*").url)
    assert preflight(client, "https://anywhere.example")["access-control-allow-origin"] == "*"


def test_an_inactive_apps_origins_do_not_count(start: Callable[..., Server]) -> None:
    origin = f"https://{factories.unique('gone')}.example"
    app = factories.make_app(allowed_origins=origin)
    App.objects.filter(pk=app.pk).update(is_active=False)
    assert "access-control-allow-origin" not in preflight(Client(start().url), origin)


def test_the_operators_key_headers_are_allowed_too(start: Callable[..., Server]) -> None:
    client = Client(start(CORS_ALLOWED_ORIGINS=DEPLOYMENTS, APP_KEY_HEADERS="aomi-app-key,X-API-Key").url)
    allowed = preflight(client, DEPLOYMENTS)
    assert listed(allowed["access-control-allow-headers"]) == {name.lower() for name in (*ALLOWED, "X-API-Key")}
