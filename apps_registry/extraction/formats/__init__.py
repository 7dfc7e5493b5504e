"""Readers, one a kind of file: bytes in, blocks of text out. They run in the limited child process only."""
