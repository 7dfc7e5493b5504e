"""Where calls come from, and limits on it: the website whose script sent a call, and the client's network address.

Browsers set the Origin header and scripts cannot change it, but any other program can: limits on origins stop other
websites, not other programs. Limits on networks apply to every program.
"""

import functools
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps_registry.support.http.origins import DEFAULT_PORTS, host_and_port

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_ENTRIES = 100
ORIGIN_MAX_CHARS = 300
ENTRY_SHOWN_CHARS = 80
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
# ::ffff:0:0/96 holds the IPv4 addresses; clients that arrive through it are known by their IPv4 address.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


class SourceNotAllowed(Exception):
    """A call comes from somewhere that is not allowed; `rule` says whose limit it breaks, for operators only."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class OriginNotAllowed(SourceNotAllowed):
    """The call names no origin, or one that is not allowed."""


class NetworkNotAllowed(SourceNotAllowed):
    """The client's address is unknown, or in none of the allowed networks."""


@dataclass(frozen=True, slots=True)
class RequestSource:
    """Where a call comes from.

    Attributes:
        origin: the website whose script sent it, as browsers write it; None if it names none.
        address: the client's address, IPv4-mapped IPv6 as IPv4; empty if it is unknown.
    """

    origin: str | None
    address: str


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """Where calls may come from.

    Attributes:
        origins: as browsers write them; None: from anywhere, also without an origin.
        networks: empty: from anywhere.
    """

    origins: frozenset[str] | None = None
    networks: tuple[Network, ...] = ()

    def check_origin(self, source: RequestSource, *, rule: str) -> None:
        """Refuse a source whose origin is not allowed; a call without an origin is refused too.

        Raises:
            OriginNotAllowed: with the rule.
        """
        if self.origins is not None and source.origin not in self.origins:
            raise OriginNotAllowed(rule)

    def check_network(self, source: RequestSource, *, rule: str) -> None:
        """Refuse a source whose address is unknown or in none of the networks.

        Raises:
            NetworkNotAllowed: with the rule.
        """
        if self.networks and not _is_in(source.address, self.networks):
            raise NetworkNotAllowed(rule)


ANYWHERE = SourceLimits()


@functools.lru_cache(maxsize=10_000)
def limits_of(origins: str, networks: str) -> SourceLimits:
    """Return the limits that two stored texts set, each with one entry per line; an empty text sets none.

    Raises:
        ValueError: `parse_origins` or `parse_networks` does not accept a text.
    """
    return SourceLimits(frozenset(parse_origins(origins)) or None, tuple(map(_network, parse_networks(networks))))


def parse_origins(text: str) -> list[str]:
    """Return the origins in a text, each once, as browsers write them: `https://Example.com:443` without its port.

    Args:
        text: origins, separated by white space.

    Raises:
        ValueError: an entry is not an origin, or there are too many; the message says which.
    """
    return _limited([parse_origin(entry) for entry in text.split()], "origins")


def parse_origin(entry: str) -> str:
    """Return an origin as browsers write it.

    Raises:
        ValueError: it is not an origin; the message says so.
    """
    match = _ORIGIN.fullmatch(entry.lower().removesuffix("/"))
    port = int(match["port"]) if match and match["port"] else None
    if match is None or len(entry) > ORIGIN_MAX_CHARS or port == 0 or (port or 0) > 65_535:
        raise ValueError(_not_an_origin(entry))
    host = match["host"]
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise ValueError(_not_an_origin(entry)) from None
    is_default = port is None or port == DEFAULT_PORTS[match["scheme"]]
    return f"{match['scheme']}://{host if is_default else host_and_port(host, port or 0)}"


def parse_networks(text: str) -> list[str]:
    """Return the networks in a text, each once, in their canonical form; an address is a network of one.

    Args:
        text: addresses and networks in CIDR notation, IPv4 or IPv6, separated by white space.

    Raises:
        ValueError: an entry is neither, or there are too many; the message says which.
    """
    return _limited([str(_network(entry)) for entry in text.split()], "networks")


def _network(entry: str) -> Network:
    shown = repr(entry[:ENTRY_SHOWN_CHARS])
    try:
        if "/" in entry and not entry.rpartition("/")[2].isdecimal():  # Python also accepts netmasks
            raise ValueError
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"{shown} is not an address or a network, such as 192.0.2.0/24 or 2001:db8::/32.") from None
    if "/" in entry and network.network_address != ipaddress.ip_address(entry.partition("/")[0]):
        raise ValueError(f"{shown} has host bits: write {network} for the network, or the address alone.")
    if isinstance(network, ipaddress.IPv6Network) and "%" in entry:
        raise ValueError(f"{shown} names an interface; write the address without it.")
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network(f"{mapped}/{network.prefixlen - _MAPPED.prefixlen}")
    return network


def _limited(entries: Sequence[str], kind: str) -> list[str]:
    distinct = list(dict.fromkeys(entries))
    if len(distinct) > MAX_ENTRIES:
        raise ValueError(f"Name at most {MAX_ENTRIES} {kind}.")
    return distinct


def _not_an_origin(entry: str) -> str:
    shown = repr(entry[:ENTRY_SHOWN_CHARS])
    return f"{shown} is not an origin: write scheme, host and an optional port, such as https://www.example.com."


@functools.lru_cache(maxsize=10_000)
def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in networks)
