"""Shared helpers without product rules: the database, text, JSON, errors and metrics."""
