"""Answers that last: streams and waits, and the guard that ends them when the caller loses access."""
