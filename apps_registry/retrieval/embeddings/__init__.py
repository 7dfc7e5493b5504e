"""Embedders: the two embedded models, and OpenAI-compatible servers."""
