"""Operators and their logins."""
