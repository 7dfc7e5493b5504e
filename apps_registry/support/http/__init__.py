"""What is known of an HTTP request and its answer: paths, origins, sources, ids and headers."""
