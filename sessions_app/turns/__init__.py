"""Turns in PostgreSQL: how they start, what they store, how they pause and end."""
