"""The path of the API; the only definition of it."""

API_PREFIX = "/api/"
