"""What every other room may use: the database, text, JSON, errors and metrics."""
