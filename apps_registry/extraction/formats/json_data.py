"""JSON: each value with the names that lead to it; the objects of a list become records."""

import json
from collections.abc import Iterator
from typing import Any

from apps_registry.extraction.blocks import Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats.text import decode

MAX_HEADING_DEPTH = 3
MAX_LABEL_CHARS = 200
_TITLES = ("title", "name", "label", "headline", "subject")


def read(data: bytes) -> Reading:
    """Return the values, with the outer names as headings."""
    reading = Reading()
    try:
        value = _load_all(decode(data, reading.losses))
    except ValueError as error:
        raise UnreadableError(f"The file is not JSON: {error}.") from None
    if isinstance(value, dict):
        title = next((value[name] for name in _TITLES if isinstance(value.get(name), str)), "")
        reading.title = clean_line(title)
    add_value(reading, value, ())
    return reading


def load(text: str) -> Any:
    """Parse JSON; numbers keep the spelling of the text. Raises ValueError."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _load_all(text: str) -> Any:
    """Parse one value, or several that follow one another, which become a list."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    values: list[Any] = []
    text = text.strip()
    while text or not values:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip()
    return values if len(values) > 1 else values[0]


def add_value(reading: Reading, value: Any, heading: tuple[str, ...]) -> None:
    """Add a value under its heading."""
    if isinstance(value, dict) and len(heading) < MAX_HEADING_DEPTH and _is_section(value):
        simple = {name: inner for name, inner in value.items() if not isinstance(inner, dict | list)}
        _add_record(reading, simple, heading)
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                add_value(reading, inner, (*heading, name))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for inner in value:
            _add_record(reading, inner, heading)
    else:
        _add_record(reading, value, heading)


def _is_section(value: dict[str, Any]) -> bool:
    """Tell whether an object has parts that are longer than a line."""
    return any(isinstance(inner, dict | list) and len(json.dumps(inner)) > MAX_LABEL_CHARS for inner in value.values())


def _add_record(reading: Reading, value: Any, heading: tuple[str, ...]) -> None:
    lines = list(lines_of(value))
    label = lines[0] if lines and len(lines) > 1 and len(lines[0]) <= MAX_LABEL_CHARS else ""
    reading.add(Block("\n".join(lines), heading, is_table=True, header=label))


def lines_of(value: Any, name: str = "") -> Iterator[str]:
    """Yield a line for each simple value, such as "price.amount: 7".

    Args:
        value: of JSON or YAML.
        name: the path to the value.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lines_of(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from lines_of(inner, f"{name}[{number}]" if name else f"[{number}]")
    else:
        text = ", ".join(map(_shown, value)) if isinstance(value, list) else _shown(value)
        if text:
            yield f"{name}: {text}" if name else text


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
