"""Pages of the console that need more than one app."""
