"""Text of documents: extracted in a child process with limits, then split into chunks."""

# Increase it when readers improve. Documents that were read by an older version are marked, and can be read again.
READER_VERSION = 5
