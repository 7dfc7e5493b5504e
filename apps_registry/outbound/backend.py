"""Opens connections to the same address that was checked, which prevents DNS rebinding."""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpcore2

from apps_registry.outbound.addresses import refusal
from apps_registry.outbound.errors import NOT_LISTED, Refused
from apps_registry.support.http.origins import host_and_port

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_ADDRESSES = 4
# A separate thread pool: a name server that hangs must not use up the shared threads. It has many more threads than
# the limit of concurrent calls per host, so that names of other hosts can still be resolved.
_resolvers = ThreadPoolExecutor(max_workers=64, thread_name_prefix="resolver")


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to public addresses, and to hosts that an operator has allowed.

    A name is resolved once. If one of its addresses is forbidden, the host is refused; otherwise the connection goes to
    one of the checked addresses. TLS still verifies the name, since httpcore2 takes it from the request.
    """

    def __init__(self, allowed_hosts: frozenset[str], only_hosts: frozenset[str] = frozenset()) -> None:
        """Create a backend.

        Args:
            allowed_hosts: hosts, as host:port, that may have private addresses.
            only_hosts: the only other hosts, as host:port, that may be called; empty: any public host.
        """
        self._allowed_hosts = allowed_hosts
        self._only_hosts = only_hosts
        self._backend = httpcore2.AnyIOBackend()
        self.address = ""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers, and store it as `address`.

        Raises:
            Refused: an address of the host is forbidden; nothing was sent.
            httpcore2.ConnectError: the name cannot be resolved, or no address answers.
        """
        error: Exception = httpcore2.ConnectError("the host has no address")
        for address in await self._checked_addresses(host, port):
            self.address = address
            try:
                return await self._backend.connect_tcp(address, port, CONNECT_TIMEOUT_SECONDS, None, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failure:
                error = failure
        raise error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse Unix sockets, which no tool needs."""
        raise Refused("a socket of this machine")

    async def _checked_addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        name = host_and_port(host, port)
        is_allowed = name in self._allowed_hosts
        if self._only_hosts and not is_allowed and name not in self._only_hosts:
            raise Refused(f"{name} {NOT_LISTED}")
        try:
            addresses = await loop.run_in_executor(_resolvers, _resolve, host, port)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError("the host's name is not known") from None
        for address in addresses:
            if rule := refusal(address, is_allowed_host=is_allowed):
                raise Refused(f"{host} has a {rule.name}")
        return addresses[:MAX_ADDRESSES]


def _resolve(host: str, port: int) -> list[str]:
    answers = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
