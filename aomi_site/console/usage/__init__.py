"""The console's page of usage: what was used, by whom, at what price and how fast."""
