"""What a caller may bring to a turn: options and its own tools, within limits, and what the turn reserves for it."""
