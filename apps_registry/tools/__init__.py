"""The tool protocol, the registry of built-in tools, and the built-in tools, a file each."""
