"""The headers that scripts of other websites may send and read; see aomi_site/serving/cors.py."""

_STAINLESS = (
    *("Arch", "Helper-Method", "Lang", "OS", "Package-Version"),
    *("Retry-Count", "Runtime", "Runtime-Version", "Timeout"),
)
ALLOWED = (
    *("X-Session-Id", "X-Thread-Id", "AOMI-APP-KEY", "Authorization", "Content-Type", "Idempotency-Key", "Prefer"),
    *("Last-Event-ID", "X-Request-Id", "traceparent"),
    # Headers that OpenAI's SDK and the AI SDK always send, also from browsers.
    *("User-Agent", *(f"X-Stainless-{name}" for name in _STAINLESS)),
    *("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id"),
)
EXPOSED = (
    *("X-Request-Id", "Retry-After", "Preference-Applied", "RateLimit", "RateLimit-Policy"),
    "Mcp-Session-Id",
    "X-Next-Cursor",  # without it, browsers cannot page through GET /api/sessions
    "X-Session-Id",  # the session that a call under /v1 has made
)
