"""Language models: the engine's protocol, the only client of a vendor package, retries and fallback."""
