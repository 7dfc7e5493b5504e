"""Proxies: which ones may state the client's address and scheme."""

from collections.abc import Callable
from typing import Any

import pytest

from aomi_site.serving.proxies import ProxyHeaders, parse_proxies
from apps_registry.models import App
from keys import crypto
from tests import factories
from tests.client import Client
from tests.product import Server

TRUSTED = ("10.0.0.0/8", "2001:db8:a::/48", "unix")
PRODUCTION = {
    "AOMI_ENV": "production",
    "SECRET_KEY": "production-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "127.0.0.1",
}

# peer, X-Forwarded-For headers, the resulting client
WALKS: dict[str, tuple[str | None, list[str], str | None]] = {
    "no proxy": ("192.0.2.1", [], "192.0.2.1"),
    "a stranger who claims to be a proxy": ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
    "one proxy": ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
    "a made-up left part": ("10.0.0.1", ["127.0.0.1, 10.9.9.9, 192.0.2.1"], "192.0.2.1"),
    "two proxies": ("10.0.0.1", ["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
    "two headers": ("10.0.0.1", ["203.0.113.9", "192.0.2.1,10.0.0.2"], "192.0.2.1"),
    "only proxies": ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    "a port": ("10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
    "IPv6": ("2001:db8:a::1", ["2001:db8::5"], "2001:db8::5"),
    "IPv6 with brackets and port": ("10.0.0.1", ["[2001:db8::5]:443"], "2001:db8::5"),
    "IPv6 with a zone": ("10.0.0.1", ["fe80::1%eth0"], "fe80::1"),
    "IPv4 in IPv6": ("::ffff:10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
    "a stranger on a listener of both kinds": ("::ffff:192.0.2.1", [], "192.0.2.1"),
    "garbage": ("10.0.0.1", ["192.0.2.1, <script>"], "10.0.0.1"),
    "garbage behind a proxy": ("10.0.0.1", ["x" * 60_000 + ", 10.0.0.2"], "10.0.0.2"),
    "nothing in it": ("10.0.0.1", [""], "10.0.0.1"),
    "an unknown client": ("10.0.0.1", ["unknown"], "10.0.0.1"),
    "a unix socket": (None, ["192.0.2.1"], "192.0.2.1"),
    "a unix socket that says nothing": (None, [], None),
}

SCHEMES: dict[str, tuple[str, list[str], str]] = {
    "a proxy that says https": ("10.0.0.1", ["https"], "https"),
    "capitals": ("10.0.0.1", ["HTTPS"], "https"),
    "the nearest proxy's value": ("10.0.0.1", ["https, http"], "http"),
    "the last header": ("10.0.0.1", ["http", "https"], "https"),
    "garbage": ("10.0.0.1", ["gopher"], "http"),
    "a stranger": ("192.0.2.1", ["https"], "http"),
    "a stranger on loopback": ("127.0.0.1", ["https"], "http"),
}


def scope(peer: str | None, name: bytes, values: list[str]) -> dict[str, Any]:
    headers = [(name, value.encode()) for value in values]
    return {"scheme": "http", "client": (peer, 1) if peer else None, "headers": headers}


@pytest.mark.parametrize(("peer", "forwarded", "client"), WALKS.values(), ids=WALKS)
def test_the_client_is_the_rightmost_untrusted_address(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    asked = scope(peer, b"x-forwarded-for", forwarded)
    ProxyHeaders(parse_proxies(TRUSTED)).apply(asked)
    assert (asked["client"] or (None,))[0] == client


@pytest.mark.parametrize(("peer", "forwarded", "scheme"), SCHEMES.values(), ids=SCHEMES)
def test_the_scheme_is_what_the_nearest_trusted_proxy_says(peer: str, forwarded: list[str], scheme: str) -> None:
    asked = scope(peer, b"x-forwarded-proto", forwarded)
    ProxyHeaders(parse_proxies(TRUSTED)).apply(asked)
    assert asked["scheme"] == scheme


def test_by_default_nobody_is_trusted(serve: Callable[..., Server]) -> None:
    server = serve(**PRODUCTION)
    assert server.get("/admin/login/", headers={"X-Forwarded-Proto": "https"}).status_code == 301


def test_a_trusted_proxy_reports_that_the_client_uses_https(start: Callable[..., Server]) -> None:
    server = start(**PRODUCTION, TRUSTED_PROXIES="127.0.0.1", FORWARDED_ALLOW_IPS="")
    page = server.get("/admin/login/", headers={"X-Forwarded-Proto": "https"})
    assert page.status_code == 200
    assert "Secure" in page.headers["Set-Cookie"]
    assert server.get("/admin/login/").status_code == 301


def test_wrong_keys_count_for_the_client_behind_the_proxy(start: Callable[..., Server], app: App) -> None:
    server = start(TRUSTED_PROXIES="127.0.0.1")
    unknown = crypto.make_key(app.slug).plain
    with Client(server.url, key=unknown) as client:
        for address, expected in (("192.0.2.1", [401] * 20 + [429]), ("192.0.2.2", [401])):
            forwarded = {"X-Forwarded-For": f"{factories.unique('made-up')}, {address}"}
            answers = [client.request("GET", "/api/control/apps", headers=forwarded) for _ in expected]
            assert [answer.status_code for answer in answers] == expected
