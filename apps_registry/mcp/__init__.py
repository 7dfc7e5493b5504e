"""Tools of remote MCP servers: listed by hand, chosen one by one, called over streamable HTTP."""
