"""Releases: the state of an App when it was published, unaffected by later edits."""
