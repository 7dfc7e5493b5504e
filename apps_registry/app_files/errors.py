"""What is wrong with an App file."""


class AppFileError(Exception):
    """A file that is refused; the message names the line or the field."""
