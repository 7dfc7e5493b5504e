"""How text becomes the words of the index: the same for documents and queries. Pure functions."""

# Raise it when the same text gets other words. Chunks that an older version indexed are then indexed again in the
# background.
INDEX_VERSION = 1
