"""The HTTP API of this product: its views, and what they share."""
