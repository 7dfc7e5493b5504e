"""Where the API is served; who needs its address takes it from here."""

API_PREFIX = "/api/"
