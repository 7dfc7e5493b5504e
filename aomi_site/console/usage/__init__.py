"""The console's usage page: what was used, by whom, at what cost, and how fast."""
