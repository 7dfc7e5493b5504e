"""The tool protocol, common to all kinds of tools."""
