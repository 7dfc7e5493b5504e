"""The token that the App of these tests sends to its MCP server."""

TOKEN = "token-of-the-mcp-server"
