"""The error of the limited child process."""


class Refused(Exception):
    """The input cannot be used; the message is one sentence for the operator."""
