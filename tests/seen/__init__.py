"""Answers of providers and of HTTP servers as people have reported them, each with its source and what it means.

A line is added here whenever one answers in a way that the product misreads.
"""
