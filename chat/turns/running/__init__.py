"""A turn while it runs: its task, its state, the engine's rounds, and how the result is stored."""
