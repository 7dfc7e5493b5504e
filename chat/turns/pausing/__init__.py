"""Questions that a turn asks its client, including wallet requests."""
