"""A child process with limits: untrusted files are parsed there, never in a worker."""
