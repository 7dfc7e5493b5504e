"""The prompt: the history, and notes about the user and about MCP servers."""
