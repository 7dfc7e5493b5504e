"""Responses of providers and HTTP servers as people have reported them, each with its source and meaning.

Add an entry here when a server responds in a way that the product misreads.
"""
