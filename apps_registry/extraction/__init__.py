"""Text of documents: extracted in a child process with limits, then split into chunks."""
