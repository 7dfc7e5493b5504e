"""Readers, one per kind of file: bytes in, blocks of text out. They run only in the limited child process."""
