"""The network address under which a caller is counted and recorded."""

import ipaddress
from functools import lru_cache

IPV6_PREFIX = 64  # one client controls at least that many addresses


@lru_cache(maxsize=10_000)
def network_of(peer: str) -> str:
    """Return the address of a peer: IPv4 as it is, IPv6 as its /64.

    Args:
        peer: the client's address, as aomi_site/serving/proxies.py has determined it; empty for a unix socket without a
            proxy that names the client.
    """
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address.compressed.partition('%')[0]}/{IPV6_PREFIX}", strict=False))
