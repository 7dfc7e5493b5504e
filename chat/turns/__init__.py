"""Turns, from the message to the stored reply: start.py starts every turn, and resuming.py resumes paused ones."""
