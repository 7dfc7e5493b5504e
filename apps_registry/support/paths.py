"""Where the API is served; who needs its address takes it from here."""

API_PREFIX = "/api/"
# Streams of the console, which run on the event loop like the API.
LIVE_PREFIX = "/admin/live/"
