"""Runs in the limited child process: reads an App file as YAML and writes it as JSON."""

import math
from typing import Any, BinaryIO

import orjson

from apps_registry.app_files.errors import AppFileError
from apps_registry.support.text.outside_text import is_storable
from apps_registry.support.text.yaml_reader import load_yaml


def work(_: str, content: bytes, out: BinaryIO) -> None:
    """Write the content of a file as JSON.

    Raises:
        AppFileError: it is not YAML, not a mapping, or holds values that the database cannot store.
    """
    try:
        data = load_yaml(content.decode("utf-8-sig"), unique_keys=True)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AppFileError(f"The file cannot be read: line {line} is not UTF-8.") from None
    except ValueError as error:
        raise AppFileError(f"The file cannot be read: {error}.") from None
    _refuse_unstorable(data, "")
    if not isinstance(data, dict):
        raise AppFileError("The file must be a mapping of names to values.")
    out.write(orjson.dumps(data))


def _refuse_unstorable(data: Any, path: str) -> None:
    """Refuse values that PostgreSQL or JSON cannot store: keys other than text, NUL, lone surrogates, huge numbers."""
    if isinstance(data, dict):
        for name, value in data.items():
            if not isinstance(name, str):
                raise AppFileError(f"{path or 'The file'}: the name {str(name)[:40]} must be text; put it in quotes.")
            _refuse_unstorable(name, path)
            _refuse_unstorable(value, f"{path}.{name[:80]}" if path else name[:80])
    elif isinstance(data, list):
        for index, value in enumerate(data):
            _refuse_unstorable(value, f"{path}[{index}]")
    elif not (is_storable(data) if isinstance(data, str) else _is_storable_value(data)):
        raise AppFileError(f"{path}: this contains characters or a number that cannot be stored.")


def _is_storable_value(data: Any) -> bool:
    """Tell whether a value other than text can be stored: JSON cannot express huge numbers, infinity and NaN."""
    try:
        orjson.dumps(data)
    except TypeError:
        return False
    return not isinstance(data, float) or math.isfinite(data)
