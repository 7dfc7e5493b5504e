"""A turn, from the message to the stored reply."""
