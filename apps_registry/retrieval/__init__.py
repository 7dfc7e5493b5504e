"""Documents: upload, ingest, embedding, and search by words and by meaning."""
