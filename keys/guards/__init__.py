"""Limits in the memory of one worker: event streams and rates of calls."""
