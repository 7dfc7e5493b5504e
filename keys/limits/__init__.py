"""Limits: what a key, an App or a caller without a key may use, enforced in Postgres."""
