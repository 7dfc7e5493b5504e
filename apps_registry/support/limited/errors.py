"""What a limited child says when it does not do its work."""


class Refused(Exception):
    """What the child was given cannot be used; the message is one sentence for the operator."""
