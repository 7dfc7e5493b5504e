"""What turns text into vectors: the embedded MiniLM, or an OpenAI-compatible server."""
