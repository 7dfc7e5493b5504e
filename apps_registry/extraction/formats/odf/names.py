"""Names of elements and attributes without their namespaces."""

from typing import Any


def local(element: Any) -> str:
    """Return the name of an element without its namespace; empty for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name without its namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), default)


def count(element: Any, name: str) -> int:
    """Return an attribute that is a number; 1 if it is missing or out of range."""
    value = attribute(element, name, "1")
    return int(value) if value.isdecimal() and len(value) < 8 else 1
