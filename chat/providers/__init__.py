"""Language models: the protocol that the engine speaks, and the one module that speaks to a vendor's package."""
