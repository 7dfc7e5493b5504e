"""Documents: uploaded, embedded, and searched by text and by vector."""
