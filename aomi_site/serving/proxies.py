"""Determines the client and the scheme of a request once, for all code that needs them.

Anyone can send `X-Forwarded-For` and `X-Forwarded-Proto`, so they count only if TRUSTED_PROXIES names the peer
that sent them. Throttles, the admin's redirect to https and secure cookies all use the result.
"""

import functools
import ipaddress
from collections.abc import Collection, Iterator, MutableMapping, Sequence
from typing import Any

UNIX = "unix"  # the peer of a unix socket, which has no address
SCHEMES = frozenset({"http", "https"})
ADDRESS_MAX_CHARS = 100  # an IPv6 address in brackets with a zone and a port is shorter

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_proxies(entries: Sequence[str]) -> frozenset[Network | str]:
    """Return the proxies in a list of addresses, networks and `unix`.

    Args:
        entries: such as `10.0.0.0/8`, `::1` or `unix`.

    Raises:
        ValueError: an entry is none of these; it is the exception's argument.
    """
    return frozenset(UNIX if entry == UNIX else _parse_network(entry) for entry in entries)


class ProxyHeaders:
    """Sets the client and the scheme of an ASGI scope to those that trusted proxies report."""

    def __init__(self, trusted: Collection[Network | str]) -> None:
        """Trust these proxies, as `parse_proxies` returns them."""
        self._networks = [entry for entry in trusted if not isinstance(entry, str)]
        self._trusts_unix = UNIX in trusted
        self._trusts = functools.lru_cache(maxsize=4096)(self._is_in_networks)

    def apply(self, scope: MutableMapping[str, Any]) -> None:
        """Set `client` and `scheme` of an HTTP connection's scope; headers of an untrusted peer have no effect."""
        host, port = scope.get("client") or (None, 0)
        peer = parse_address(host) if host else None
        if peer is not None:
            scope["client"] = (str(peer), port)
        if not (self._trusts(peer) if peer else host is None and self._trusts_unix):
            return
        scope["client"] = self._client(_values(scope, b"x-forwarded-for")) or scope.get("client")
        # Each proxy appends or replaces a value, so the last one is from the nearest proxy.
        scheme = next(_values(scope, b"x-forwarded-proto"), "").lower()
        if scheme in SCHEMES:
            scope["scheme"] = scheme

    def _client(self, hops: Iterator[str]) -> tuple[str, int] | None:
        """Walk from the nearest hop to the first that is not a trusted proxy; values before it may be forged."""
        client = None
        for hop in hops:
            address, port = _split(hop)
            if address is None:
                break
            client = (str(address), port)
            if not self._trusts(address):
                break
        return client

    def _is_in_networks(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


@functools.lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return an address without its zone, IPv4-mapped IPv6 as IPv4; None if it is not an address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _parse_network(entry: str) -> Network:
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        raise ValueError(entry) from None


def _values(scope: MutableMapping[str, Any], name: bytes) -> Iterator[str]:
    """Yield the values of a list header, last one first, across all its lines."""
    for header, value in reversed(scope["headers"]):
        if header == name:
            yield from (part.strip() for part in reversed(value.decode("latin-1").split(",")))


def _split(hop: str) -> tuple[Address | None, int]:
    """Return the address and the port (0 without one) of `192.0.2.1:80` or `[2001:db8::1]:80`; a port is optional."""
    host, port = hop[:ADDRESS_MAX_CHARS], ""
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else 0
    return parse_address(host), number
