"""The hosts that an App's secret may be sent to, as its operator writes them and as they are compared.

Whoever may edit a tool decides where it calls; without this bond he would read every secret of its App.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from apps_registry.support.origins import host_and_port

HTTPS_PORT = 443
MAX_HOSTS = 20
_ENTRY = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)


def parse_hosts(text: str) -> list[str]:
    """Return hosts with their ports, sorted, from a text with one a line.

    Args:
        text: such as `api.example.com` (port 443) or `127.0.0.1:9000`.

    Raises:
        ValueError: an entry is no host; the message says which.
    """
    hosts = {_host(entry) for entry in re.split(r"[\s,]+", text.strip()) if entry}
    if len(hosts) > MAX_HOSTS:
        raise ValueError(f"Name at most {MAX_HOSTS} hosts.")
    return sorted(hosts)


def refusal(name: str, hosts: AbstractSet[str], host: str) -> str:
    """Return why a secret may not be sent to a host, as a sentence without its full stop; empty: it may."""
    if host in hosts:
        return ""
    bound = f"is for {' and '.join(sorted(hosts))}" if hosts else "is for no host yet"
    return f"the secret {name} {bound}, and may not be sent to {host}; its hosts are set on the App's page"


def refusals(bound: Mapping[str, AbstractSet[str]], names: Iterable[str], host: str) -> Iterator[str]:
    """Yield why secrets may not be sent to a host.

    Args:
        bound: the App's secrets with their hosts.
        names: of the secrets that a request to the host carries; those that the App lacks are skipped.
        host: with its port.
    """
    for name in sorted(names):
        if name in bound and (problem := refusal(name, bound[name], host)):
            yield problem


def _host(entry: str) -> str:
    found = _ENTRY.fullmatch(entry)
    port = int(found["port"] or HTTPS_PORT) if found else 0
    if found is None or not 1 <= port <= 65_535:
        raise ValueError(f"{entry[:80]!r} is not a host, such as api.example.com or 127.0.0.1:9000.")
    return host_and_port(found["host"], port)
