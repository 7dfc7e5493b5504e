"""The one way out: everything that leaves, except calls to model providers, goes through `client.send`."""
