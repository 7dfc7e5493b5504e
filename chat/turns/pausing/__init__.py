"""Questions that a turn asks its client, and the wallet requests among them."""
