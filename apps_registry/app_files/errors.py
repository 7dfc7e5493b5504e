"""Errors in App files."""

from apps_registry.support.limited.errors import Refused


class AppFileError(Refused):
    """The file is refused; the message names the line or the field."""
