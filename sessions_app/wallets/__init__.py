"""Wallets: what an address is, and how its owner proves to hold it."""
