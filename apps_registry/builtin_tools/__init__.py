"""The built-in tools, one file per tool, and their registry."""
