"""The paths of the API and of the doors of other protocols; their only definition."""

API_PREFIX = "/api/"
OPENAI_PREFIX = "/v1/"
MCP_PATH = "/mcp"
API_PREFIXES = (API_PREFIX, OPENAI_PREFIX, MCP_PATH)
# Streams of the console, which run on the event loop like the API.
LIVE_PREFIX = "/admin/live/"
