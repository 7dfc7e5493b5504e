"""How a request presents its key, for DRF."""
