"""A real MCP server in a separate process: `python -m tests.apps_registry.mcp.server PORT [VERSION]`.

Version 2 changes the description of one tool, removes one, and adds one.
"""

import asyncio
import sys
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

port, version = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "1"
server = MCPServer("prices", log_level="ERROR")


class Price(BaseModel):
    token: str
    price: float


if version == "1":

    @server.tool()
    def price_of(token: Annotated[str, Field(description="Such as ETH.")]) -> Price:
        """Return the price of a token."""
        return Price(token=token, price=12.5)

    @server.tool()
    def retired() -> str:
        """Exist only in version 1."""
        return "still here"
else:

    @server.tool()
    def price_of(token: str, currency: str = "usd") -> Price:
        """Return the price of a token in a currency."""
        return Price(token=token, price=99)

    @server.tool()
    def brand_new() -> str:
        """Exist since version 2."""
        return "new"


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fail."""
    raise ToolError("the harvest was bad")


@server.tool()
async def sleep() -> str:
    """Take a long time."""
    await asyncio.sleep(30)
    return "awake"


@server.tool()
def flood(size: int) -> str:
    """Answer at length."""
    return "x" * size


@server.tool()
def whoami(ctx: Context) -> str:
    """Return the headers of the request."""
    headers = ctx.headers or {}
    return f"authorization: {headers.get('authorization')}"


server.run("streamable-http", host="127.0.0.1", port=port)
