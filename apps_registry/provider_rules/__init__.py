"""Rules of model providers: their profiles, and the rules for requests and tools."""
