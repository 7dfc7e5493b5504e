"""Discards cookies: a provider's cookie for one caller must not be sent for the next."""

import functools
import ssl
from typing import Any

import aiohttp
import httpx2

KEEPALIVE_SECONDS = 5.0


def keep_no_cookies(http: httpx2.AsyncClient) -> None:
    """Make a new client of the openai package, which uses aiohttp, discard cookies.

    The package creates its transports itself and has no option for their sessions. With a transport of our own, it
    would ignore the proxies in the environment.
    """
    transports: list[Any] = [http._transport, *filter(None, http._mounts.values())]
    for transport in transports:
        transport.client = functools.partial(_session, transport.ssl_context, transport.limits.max_connections)


def _session(tls: ssl.SSLContext, max_connections: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=max_connections, ssl=tls, keepalive_timeout=KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
