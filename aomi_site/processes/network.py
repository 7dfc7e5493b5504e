"""Ports, and waiting for servers to answer."""

import errno
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

# Loopback servers are called directly, even if the environment names a proxy.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check_port_is_free(host: str, port: int) -> None:
    """Raise a CommandError with one sentence if a server could not listen at `host` and `port`."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _name, address = addresses[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as error:
        raise CommandError(f"--host {host} is not an address of this machine.") from error
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "is in use by another program: stop that program, or choose another port with --port",
            errno.EACCES: "cannot be used by this user: choose a port above 1023 with --port",
            errno.EADDRNOTAVAIL: "cannot be used: the host is not an address of this machine",
        }
        raise CommandError(f"Port {port} on {host} {reasons.get(error.errno or 0, error.strerror)}.") from error


def free_port() -> int:
    """Return a loopback port that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def url_host(host: str) -> str:
    """Return the host for use in a URL on this machine: a wildcard address becomes loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"[{host}]" if ":" in host else host


def answers(url: str) -> bool:
    """Tell whether a server on this machine responds to `url` with success within two seconds."""
    try:
        with _direct.open(url, timeout=2):
            return True
    except (OSError, ValueError):
        return False


def get_json(url: str, *, token: str = "", direct: bool = False) -> Any:
    """Return the JSON that a server responds with within three seconds, or None.

    Args:
        url: the URL to request.
        token: sent as a bearer token if not empty.
        direct: bypass the environment's proxies, for a server on this machine.
    """
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    try:
        opener = _direct.open if direct else urllib.request.urlopen
        with opener(request, timeout=3) as response:
            return json.load(response)
    except (OSError, ValueError):
        return None


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Check `condition` ten times a second until it is true; return whether that happened in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
