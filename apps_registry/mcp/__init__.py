"""Tools of remote MCP servers: operators list and choose them; calls use streamable HTTP."""
