"""Text and data from outside: charsets, what can be stored, what people see, JSON, YAML and CSV."""
