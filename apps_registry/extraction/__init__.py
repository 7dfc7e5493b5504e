"""Text of documents: extracted in a child process with limits, then split into chunks."""

# Raise it when readers read the same file better. Documents that an older version read say so, and can be read again.
READER_VERSION = 3
