"""Readers, one per kind of file: bytes in, blocks of text out. They run only in the limited child process.

A reader raises UnreadableError if the file is not of its kind or contains nothing that can be read.
"""
