"""Keys and secrets: how they are encrypted, and to which hosts they may go."""
