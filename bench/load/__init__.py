"""The load generator, and the jobs that control it."""
