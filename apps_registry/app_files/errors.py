"""What is wrong with an App file."""

from apps_registry.support.limited.errors import Refused


class AppFileError(Refused):
    """A file that is refused; the message names the line or the field."""
