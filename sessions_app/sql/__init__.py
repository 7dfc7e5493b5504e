"""The SQL statements of the hot path."""
