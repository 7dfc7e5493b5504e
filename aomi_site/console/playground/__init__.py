"""The playground: operators talk to an App as its callers would, and see each step of the answer."""
