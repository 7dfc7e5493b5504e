"""Keeps client data out of the logs."""

import logging

from apps_registry.support.http.request_ids import loggable_path


class NoRequestText(logging.Filter):
    """Removes from log records the request object of a traceback and any query string.

    Django and the servers log paths, and callers may send messages in the query string, so string arguments
    are cut at the question mark. The rest cannot start a new log line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut every string argument that looks like a path at its query string; always keep the record."""
        if record.name == "django.request" and record.levelno < logging.ERROR:
            record.exc_info = (
                None  # a refused request is not our error: the line has the path, and 403 would add a traceback
            )
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(value) for value in record.args)
        return True


def _without_query(value: object) -> object:
    if isinstance(value, str) and value.startswith("/"):
        return loggable_path(value.split("?", 1)[0])
    return value
