"""Doors for other protocols: each translates requests to `start_turn`, and the events of turns to its own wire."""
