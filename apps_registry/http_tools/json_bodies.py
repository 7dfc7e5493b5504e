"""JSON as servers send it: also behind a guard against scripts, and one value a line."""

import json
import re
from typing import Any

# What keeps a page of another site from running the JSON as a script: Angular's and Google's, Facebook's, Jira's.
_GUARD = re.compile(r"\A\s*(?:\)\]\}'?,?|for ?\(;;\);|while ?\((?:1|true)\);|throw 1;)\s*")
_LINES_TYPES = frozenset(
    {
        "application/json-seq",
        "application/jsonl",
        "application/jsonlines",
        "application/ndjson",
        "application/stream+json",
        "application/x-jsonlines",
        "application/x-ndjson",
    }
)
_RECORD_SEPARATOR = "\x1e"  # RFC 7464


def read_json(text: str, media_type: str = "") -> Any:
    """Return the value of a body.

    Args:
        text: the body.
        media_type: its type; several values, one a line, are read as a list where it says that they are such.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    if media_type in _LINES_TYPES:
        lines = (line.strip(" \t\r" + _RECORD_SEPARATOR) for line in text.split("\n"))
        return [json.loads(line) for line in lines if line]
    try:
        return json.loads(text)
    except ValueError:
        guard = _GUARD.match(text)
        if guard is None:
            raise
        return json.loads(text[guard.end() :])
