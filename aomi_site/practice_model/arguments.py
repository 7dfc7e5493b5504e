"""Finds the arguments of a tool in a message. Pure functions."""

import json
import re
from collections.abc import Mapping
from typing import Any

from aomi_site.practice_model.request import Offer

MISSING = object()
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”|\'([^\']+)\'(?!\w)')
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
# Symbols such as ETH or USD-EUR; a single capital is rarely one.
_SYMBOL = re.compile(r"\b[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*\b")
_SUM = re.compile(r"[\d(][\d\s.()+\-*/%]*[+\-*/%][\d\s.()+\-*/%]*[\d)]")


def find_arguments(tool: Offer, message: str) -> dict[str, Any]:
    """Return the arguments that a message gives for a tool; some may be missing.

    A JSON object whose keys are names of arguments is used unchanged. Otherwise each argument is searched for: first
    its name followed by a value, then one of its allowed values, then any value of its type.
    """
    message = name_pattern(tool).sub(" ", message)
    for given in _objects(message):
        if given and given.keys() <= tool.properties.keys():
            return given
    taken: set[int] = set()
    found = {name: named_value(name, schema, message) for name, schema in tool.properties.items()}
    for name in tool.required:
        if found.get(name, MISSING) is MISSING:
            found[name] = _value_of_type(name, tool.properties.get(name, {}), message, taken)
    return {name: value for name, value in found.items() if value is not MISSING}


def name_pattern(tool: Offer) -> re.Pattern[str]:
    """Return a pattern for a tool's name in a message, with underscores or spaces."""
    words = r"[\s_-]+".join(map(re.escape, re.split(r"[_-]+", tool.name)))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def named_value(name: str, schema: Mapping[str, Any], message: str) -> Any:
    """Return what follows an argument's name in a message, or an allowed value in the message; else MISSING."""
    words = r"[\s_]+".join(map(re.escape, name.split("_")))
    pattern = rf"(?<!\w){words}(?:\s*[:=]\s*|\s+)(?:\"([^\"]*)\"|'([^']*)'|([^\s,;?!)]+))"
    for match in re.finditer(pattern, message, re.IGNORECASE):
        value = _converted(next(group for group in match.groups() if group is not None), schema)
        if value is not MISSING:
            return value
    return _allowed_value(schema, message)


def _allowed_value(schema: Mapping[str, Any], message: str) -> Any:
    for value in schema.get("enum") or []:
        if isinstance(value, str) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", message, re.IGNORECASE):
            return value
    return MISSING


def _objects(message: str) -> list[dict[str, Any]]:
    decoder, objects = json.JSONDecoder(), []
    for match in re.finditer(r"\{", message):
        try:
            value, _ = decoder.raw_decode(message, match.start())
        except ValueError:
            continue
        if isinstance(value, dict):
            objects.append(value)
    return objects


def _converted(text: str, schema: Mapping[str, Any]) -> Any:
    """Convert a text to the schema's type; return MISSING if that is impossible."""
    kind = schema.get("type")
    text = text.rstrip(".") if kind != "string" or schema.get("enum") else text
    if values := schema.get("enum"):
        return next((value for value in values if str(value).lower() == text.lower()), MISSING)
    if kind in {"integer", "number"}:
        number = text if re.fullmatch(r"-?\d+" if kind == "integer" else r"-?\d+(\.\d+)?", text) else ""
        return json.loads(number.lstrip("0") or "0") if number else MISSING
    if kind == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), MISSING)
    return text if kind in {"string", None} else MISSING


def _value_of_type(name: str, schema: Mapping[str, Any], message: str, taken: set[int]) -> Any:
    """Return a value of the argument's type in a message; `taken` holds the positions of numbers already used."""
    kind = schema.get("type")
    if kind in {"integer", "number"}:
        for match in _NUMBER.finditer(message):
            value = _converted(match[0], schema)
            if match.start() not in taken and value is not MISSING:
                taken.add(match.start())
                return value
        return MISSING
    if kind not in {"string", None} or schema.get("enum"):
        return MISSING
    if name == "expression":
        return max((match[0].strip() for match in _SUM.finditer(message)), key=len, default=MISSING)
    return _some_text(message)


def _some_text(message: str) -> Any:
    if quoted := _QUOTED.search(message):
        return next(group for group in quoted.groups() if group)
    match = _ADDRESS.search(message) or _SYMBOL.search(message)
    return match[0] if match else MISSING
