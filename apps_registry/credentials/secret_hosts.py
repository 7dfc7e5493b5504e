"""The hosts that an App's secret may be sent to: parsing and comparison.

Users who may edit a tool decide which host it calls. Without this list they could read every secret of the App.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from apps_registry.support.http.origins import host_and_port

HTTPS_PORT = 443
MAX_HOSTS = 20
_ENTRY = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)


def parse_hosts(text: str) -> list[str]:
    """Parse a text with one host per line into a sorted list of hosts with ports.

    Args:
        text: hosts such as `api.example.com` (port 443) or `127.0.0.1:9000`.

    Raises:
        ValueError: an entry is not a host; the message says which.
    """
    hosts = {_host(entry) for entry in re.split(r"[\s,]+", text.strip()) if entry}
    if len(hosts) > MAX_HOSTS:
        raise ValueError(f"Name at most {MAX_HOSTS} hosts.")
    return sorted(hosts)


def refusal(name: str, hosts: AbstractSet[str], host: str) -> str:
    """Return why a secret may not be sent to a host, as a sentence without a full stop; empty if it may."""
    if host in hosts:
        return ""
    bound = f"is for {' and '.join(sorted(hosts))}" if hosts else "is for no host yet"
    return f"the secret {name} {bound}, and may not be sent to {host}; its hosts are set on the App's page"


def refusals(bound: Mapping[str, AbstractSet[str]], names: Iterable[str], host: str) -> Iterator[str]:
    """Yield the reasons why secrets may not be sent to a host.

    Args:
        bound: allowed hosts by the name of the App's secret.
        names: names of the secrets that a request to the host contains; unknown names are skipped.
        host: the host with its port.
    """
    for name in sorted(names):
        if name in bound and (problem := refusal(name, bound[name], host)):
            yield problem


def _host(entry: str) -> str:
    match = _ENTRY.fullmatch(entry)
    port = int(match["port"] or HTTPS_PORT) if match else 0
    if match is None or not 1 <= port <= 65_535:
        raise ValueError(f"{entry[:80]!r} is not a host, such as api.example.com or 127.0.0.1:9000.")
    return host_and_port(match["host"], port)
