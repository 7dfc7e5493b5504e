"""HTTP statuses in words."""

from http import HTTPStatus


def named_status(status: int) -> str:
    """Return a status with its name, such as "404 Not Found"; an unknown one without."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
