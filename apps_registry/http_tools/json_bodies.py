"""Parses JSON bodies, also with an anti-hijacking prefix or with one value per line."""

import json
import re
from typing import Any

# Prefixes that prevent other sites from running the JSON as a script: of Angular and Google, Facebook, and Jira.
_PREFIX = re.compile(r"\A\s*(?:\)\]\}'?,?|for ?\(;;\);|while ?\((?:1|true)\);|throw 1;)\s*")
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
    """Parse a body.

    Args:
        text: the body.
        media_type: its media type; for the types of JSON Lines, the values are returned as a list.

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
        prefix = _PREFIX.match(text)
        if prefix is None:
            raise
        return json.loads(text[prefix.end() :])
