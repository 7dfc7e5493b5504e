"""Language models: the protocol of the engine, the one module that uses a vendor package, the choice among models."""
