"""Origins and networks: how they are written, and which requests they accept."""

import pytest

from apps_registry.support.http.request_sources import (
    NetworkNotAllowed,
    OriginNotAllowed,
    RequestSource,
    limits_of,
    parse_networks,
    parse_origins,
)

ORIGINS = {
    "https://www.example.com": "https://www.example.com",
    "HTTPS://WWW.Example.COM": "https://www.example.com",
    "https://example.com:443": "https://example.com",
    "http://example.com:80/": "http://example.com",
    "https://example.com:8443": "https://example.com:8443",
    "http://127.0.0.1:3000": "http://127.0.0.1:3000",
    "http://[0:0:0:0:0:0:0:1]:80": "http://[::1]",
    "http://[::1]:8000": "http://[::1]:8000",
}


@pytest.mark.parametrize(("written", "meant"), ORIGINS.items())
def test_an_origin_is_stored_as_browsers_write_it(written: str, meant: str) -> None:
    assert parse_origins(f" {written}\r\n{written} ") == [meant]


@pytest.mark.parametrize(
    "text",
    [
        *("null", "*", "example.com", "https://", "https://*.example.com", "https://example.com/path", "ftp://x"),
        *("https://user@example.com", "https://example.com:0", "https://example.com:65536", "https://[::g]"),
        *("https://exämple.com", "https://example.com?x", "//example.com", "https://" + "a" * 400),
    ],
)
def test_an_invalid_origin_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        parse_origins(f"https://good.example\n{text}")


NETWORKS = {
    "192.0.2.0/24": "192.0.2.0/24",
    "192.0.2.7": "192.0.2.7/32",
    "0.0.0.0/0": "0.0.0.0/0",
    "2001:DB8::/32": "2001:db8::/32",
    "::1": "::1/128",
    "::ffff:192.0.2.0/120": "192.0.2.0/24",
    "::ffff:192.0.2.7": "192.0.2.7/32",
}


@pytest.mark.parametrize(("written", "meant"), NETWORKS.items())
def test_a_network_is_stored_in_its_canonical_form(written: str, meant: str) -> None:
    assert parse_networks(f"{written}\n{written}") == [meant]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.0.2.1/24", "has host bits: write 192.0.2.0/24"),
        ("2001:db8::1/32", "has host bits: write 2001:db8::/32"),
        ("192.0.2.0/33", "is not an address"),
        ("192.0.2.0/255.255.255.0", "is not an address"),
        ("192.0.2", "is not an address"),
        ("localhost", "is not an address"),
        ("fe80::1%eth0", "names an interface"),
        ("1", "is not an address"),
    ],
)
def test_an_invalid_network_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_networks(f"10.0.0.0/8 {text}")


def test_lists_are_limited() -> None:
    with pytest.raises(ValueError, match="at most 100 networks"):
        parse_networks("\n".join(f"10.0.0.{number}" for number in range(101)))


INSIDE = ["192.0.2.200", "::ffff:192.0.2.1", "2001:db8:1::1", "198.51.100.7"]
OUTSIDE = ["192.0.3.1", "::ffff:192.0.3.1", "2001:db9::1", "::1", "", "unix", "198.51.100.8", "::192.0.2.1"]


@pytest.mark.parametrize(("address", "is_inside"), [*((a, True) for a in INSIDE), *((a, False) for a in OUTSIDE)])
def test_addresses_of_both_families(address: str, is_inside: bool) -> None:
    limits = limits_of("", "192.0.2.0/24\n2001:db8::/32\n198.51.100.7/32")
    source = RequestSource(None, address)
    if is_inside:
        limits.check_network(source, rule="x")
    else:
        with pytest.raises(NetworkNotAllowed):
            limits.check_network(source, rule="x")


@pytest.mark.parametrize("origin", [None, "null", "https://a.example.evil", "http://a.example", "HTTPS://a.example"])
def test_other_origins_and_none_are_refused(origin: str | None) -> None:
    limits = limits_of("https://a.example", "")
    limits.check_origin(RequestSource("https://a.example", ""), rule="x")
    with pytest.raises(OriginNotAllowed):
        limits.check_origin(RequestSource(origin, ""), rule="x")


def test_without_a_limit_everything_is_accepted() -> None:
    limits = limits_of("", "")
    limits.check_origin(RequestSource(None, ""), rule="x")
    limits.check_network(RequestSource(None, ""), rule="x")
