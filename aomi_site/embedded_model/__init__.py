"""A small language model that needs no account: SmolLM2-135M-Instruct, downloaded once, served on loopback."""
