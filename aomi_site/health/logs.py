"""Keeps what clients send out of the logs."""

import logging

from apps_registry.support.request_ids import loggable_path


class NoRequestText(logging.Filter):
    """Drop tracebacks' request objects and any query string that a log record would print.

    Django and the servers log paths; a caller's message rides in the query string, so a record whose
    arguments hold one is cut at the question mark. What is left of it cannot begin a line of its own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut every string argument that looks like a path at its query string; always keep the record."""
        if record.name == "django.request" and record.levelno < logging.ERROR:
            record.exc_info = None  # a refused request is not our error: its line says where, and 403 has a traceback
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(value) for value in record.args)
        return True


def _without_query(value: object) -> object:
    if isinstance(value, str) and value.startswith("/"):
        return loggable_path(value.split("?", 1)[0])
    return value
