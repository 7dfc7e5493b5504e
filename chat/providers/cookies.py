"""No cookies: what a provider sets for one caller is not for the next."""

import functools
import ssl
from typing import Any

import aiohttp
import httpx2

KEEPALIVE_SECONDS = 5.0


def keep_no_cookies(http: httpx2.AsyncClient) -> None:
    """Give a new client of the openai package, which runs on aiohttp, sessions that forget cookies.

    The package makes its transports itself and lets nobody choose their sessions; with a transport of ours it would
    overlook the proxies that the environment names.
    """
    transports: list[Any] = [http._transport, *filter(None, http._mounts.values())]
    for transport in transports:
        transport.client = functools.partial(_session, transport.ssl_context, transport.limits.max_connections)


def _session(tls: ssl.SSLContext, max_connections: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=max_connections, ssl=tls, keepalive_timeout=KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
