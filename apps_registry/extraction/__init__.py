"""Text of documents: read in a child process with limits, and cut into chunks."""
