"""The rules for addresses that outbound connections may use.

Sources: the IANA special-purpose address registries (RFC 6890 and its updates), and the documentation of the metadata
services of clouds. `ipaddress.is_global` is not enough: it treats multicast, NAT64 and 6to4 as global.
"""

import ipaddress
from typing import NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Rule(NamedTuple):
    """A reason to refuse an address.

    Attributes:
        name: the kind of address.
        is_allowable: whether an operator can permit such an address by allowing its host.
    """

    name: str
    is_allowable: bool


METADATA = Rule("cloud metadata address", is_allowable=False)
LOOPBACK = Rule("loopback address", is_allowable=True)
PRIVATE = Rule("private address", is_allowable=True)
SHARED = Rule("shared address of a carrier (CGN)", is_allowable=True)
UNIQUE_LOCAL = Rule("unique local address", is_allowable=True)
LINK_LOCAL = Rule("link-local address", is_allowable=False)
UNSPECIFIED = Rule("unspecified address", is_allowable=False)
MULTICAST = Rule("multicast address", is_allowable=False)
RESERVED = Rule("reserved address", is_allowable=False)
EMBEDDED = Rule("IPv6 address with an embedded IPv4 address", is_allowable=False)
# Ends of the refusals that an operator can resolve by allowing the host.
ALLOWABLE = tuple(f" has a {rule.name}" for rule in (LOOPBACK, PRIVATE, SHARED, UNIQUE_LOCAL))

# The first matching network decides, so narrower networks come first.
_RULES = tuple(
    (ipaddress.ip_network(network), rule)
    for rule, networks in (
        (METADATA, "169.254.169.254/32 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32"),
        (METADATA, "fd00:ec2::/32 fd20:ce::254/128 fd00:42::42/128"),
        (LOOPBACK, "127.0.0.0/8 ::1/128"),
        (UNSPECIFIED, "0.0.0.0/8 ::/128"),
        (PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"),
        (SHARED, "100.64.0.0/10"),
        (LINK_LOCAL, "169.254.0.0/16 fe80::/10 fec0::/10"),
        (UNIQUE_LOCAL, "fc00::/7"),
        (MULTICAST, "224.0.0.0/4 ff00::/8"),
        # IPv4-compatible, -mapped and -translated, NAT64, 6to4 and its relays, Teredo.
        (EMBEDDED, "::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32"),
        (RESERVED, "192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4"),
        (RESERVED, "2001::/23 2001:db8::/32 3fff::/20"),
    )
    for network in networks.split()
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, section 2.4: all addresses that IANA assigns


def rule_against(address: Address) -> Rule | None:
    """Return the rule that forbids an address; None if it is public."""
    for network, rule in _RULES:
        if address.version == network.version and address in network:
            return rule
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return RESERVED
    return None


def refusal(text: str, *, is_allowed_host: bool) -> Rule | None:
    """Return the rule that forbids an address returned by DNS, or None.

    Args:
        text: an address as DNS returned it; a scope id after % is ignored.
        is_allowed_host: whether the operator has allowed the host.
    """
    rule = rule_against(ipaddress.ip_address(text.partition("%")[0]))
    return None if rule and rule.is_allowable and is_allowed_host else rule
