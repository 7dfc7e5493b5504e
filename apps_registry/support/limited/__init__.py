"""A child process that may fail: what strangers wrote is read there, within limits, never in a worker."""
