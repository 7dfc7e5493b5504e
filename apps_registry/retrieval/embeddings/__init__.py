"""Embedders: the embedded MiniLM, and OpenAI-compatible servers."""
