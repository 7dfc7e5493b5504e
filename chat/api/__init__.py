"""The HTTP API: its views and the code that they share."""
