"""Text of documents: extracted in a child process with limits, then split into chunks."""

# Increase it when readers improve. Documents that an older version read are marked, and can be read again.
READER_VERSION = 5
