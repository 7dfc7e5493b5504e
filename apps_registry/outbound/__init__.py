"""Outbound HTTP: all requests except those to model providers go through `client.send`."""
