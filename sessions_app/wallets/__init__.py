"""Wallet addresses, and proofs of their ownership."""
