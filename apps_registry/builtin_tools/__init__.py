"""The built-in tools, a file each, and their registry."""
