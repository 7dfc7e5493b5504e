"""An MCP server: each App is a tool, under /mcp; https://modelcontextprotocol.io/specification/2026-07-28."""
