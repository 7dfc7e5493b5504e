"""The mcp package for Python as a client of the server, in both eras of the protocol."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.patience import scaled
from tests.product import NO_TLS, Server

T = TypeVar("T")
ERAS = ("auto", "legacy")


@asynccontextmanager
async def connected(server: Server, path: str, key: str | None, era: str, **more: Any) -> AsyncIterator[Client]:
    """Connect to a path of the server: `auto` speaks revision 2026-07-28, `legacy` shakes hands."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=scaled(30), verify=NO_TLS) as http,
        Client(streamable_http_client(f"{server.url}{path}", http_client=http), mode=era, **more) as client,
    ):
        yield client


def use(server: Server, path: str, key: str | None, era: str, work: Callable[[Client], Awaitable[T]], **more: Any) -> T:
    """Run some work with a connected client, and return its result."""

    async def run() -> T:
        async with connected(server, path, key, era, **more) as client:
            return await work(client)

    return asyncio.run(run())


def call(server: Server, app: Any, key: str | None, era: str, message: str, **more: Any) -> Any:
    """Call the tool of an App once."""
    session = {"session_id": more.pop("session_id")} if "session_id" in more else {}
    arguments = {"message": message, **session}

    async def work(client: Client) -> Any:
        return await client.call_tool(f"ask_{app.slug}", arguments)

    return use(server, f"/mcp/{app.slug}", key, era, work, **more)


def reply_text(result: Any) -> str:
    """Return the text of a result, without the hint on how to continue."""
    return str(result.content[0].text)
