"""Measurements of document search."""
