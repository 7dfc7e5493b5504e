"""Documents: read into text, cut into chunks, searched by text and by vector."""
