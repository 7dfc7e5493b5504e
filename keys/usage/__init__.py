"""Usage: what turns, titles and summaries cost, rolled up by day, App, key and model."""
