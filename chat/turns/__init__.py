"""A turn, from the message to the stored reply: start.py is the one way in, resuming.py the one way back in."""
