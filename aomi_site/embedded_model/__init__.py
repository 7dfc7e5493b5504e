"""A small language model that needs no account: SmolLM2-135M-Instruct, installed once, served on loopback."""
