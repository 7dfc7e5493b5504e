"""Releases: what an App was when it was published, unchanged by what is edited later."""
