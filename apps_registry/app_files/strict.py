"""Strict reading of an App file: its YAML and its fields, with every error as a plain sentence."""

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from asgiref.sync import async_to_sync
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from apps_registry.app_files.errors import AppFileError
from apps_registry.support.limited import child
from apps_registry.support.limited.errors import Refused

Entry = TypeVar("Entry", bound=BaseModel)

PARSER = "apps_registry.app_files.parsing"
MAX_BYTES = 4 * 2**20
MAX_MISTAKES = 5  # how many errors one message names
_A_NUMBER, _A_LIST, _A_MAPPING = (
    "this must be a number",
    "this must be a list",
    "this must be a mapping of names to values",
)
# Sentences by pydantic's error type. Errors of type value_error come with our own message.
_WORDS = {
    "missing": "this is missing",
    "extra_forbidden": "there is no such field",
    "string_type": "this must be text",
    "bool_type": "this must be true or false",
    "int_type": "this must be a whole number",
    "float_type": _A_NUMBER,
    "decimal_type": _A_NUMBER,
    "decimal_parsing": _A_NUMBER,
    "list_type": _A_LIST,
    "sequence_str": _A_LIST,
    "is_instance_of": _A_LIST,
    "dict_type": _A_MAPPING,
    "mapping_type": _A_MAPPING,
    "model_type": _A_MAPPING,
}


def load(content: bytes) -> Mapping[str, Any]:
    """Return the content of a YAML file, which the limited child process parses.

    Raises:
        AppFileError: it is too large, not YAML (the message has the line), or holds values that cannot be stored.
    """
    if len(content) > MAX_BYTES:
        raise AppFileError(f"The file is larger than {MAX_BYTES // 2**20} MB.")
    try:
        parsed = async_to_sync(child.result_of)(PARSER, "", content)
    except Refused as error:
        raise AppFileError(str(error)) from None
    data: Mapping[str, Any] = orjson.loads(parsed)
    return data


def checked(entry: type[Entry], data: Any) -> Entry:
    """Validate data and return it as an entry.

    Raises:
        AppFileError: fields are missing, unknown or of another type; the message names them.
    """
    try:
        return entry.model_validate(data)
    except ValidationError as error:
        # Never include the input: an operator may have put a secret in the wrong field.
        mistakes = error.errors(include_url=False, include_input=False)
    sentences = [_sentence(mistake) for mistake in mistakes[:MAX_MISTAKES]]
    if len(mistakes) > MAX_MISTAKES:
        sentences.append(f"There are {len(mistakes) - MAX_MISTAKES} more mistakes.")
    raise AppFileError(" ".join(sentences))


def path_of(location: tuple[int | str, ...]) -> str:
    """Return the path of a value, such as `http_tools[0].url`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step[:80]}" for step in location)
    return "".join(steps).removeprefix(".")


def _sentence(mistake: ErrorDetails) -> str:
    match mistake["type"]:
        case "value_error":
            words = str(mistake["ctx"]["error"])
        case "literal_error":
            words = f"this must be one of {mistake['ctx']['expected']}"
        case kind:
            words = _WORDS.get(kind, mistake["msg"])
    return f"{path_of(mistake['loc']) or 'The file'}: {words.rstrip('.')}."
