"""Writes that span several rows, and what imports and refreshes do."""
