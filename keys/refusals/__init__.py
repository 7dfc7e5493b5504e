"""Refused calls: recorded in the background, bounded, and explained to operators."""
