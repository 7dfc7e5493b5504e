"""The content of the pictures: a small company's Apps, keys, conversations and faults of the last 30 days, made up."""
