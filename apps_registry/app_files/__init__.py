"""App files: writing an App to a file, reading a file strictly, comparing the two and importing."""
