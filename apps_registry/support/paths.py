"""Where the API and the doors of other protocols are served; who needs an address takes it from here."""

API_PREFIX = "/api/"
OPENAI_PREFIX = "/v1/"
API_PREFIXES = (API_PREFIX, OPENAI_PREFIX)
