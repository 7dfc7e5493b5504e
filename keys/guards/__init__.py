"""Limits of single callers: event streams and rates of calls in a worker's memory, stored bytes in Postgres."""
