"""The ASGI server: its handlers, limits and headers."""
