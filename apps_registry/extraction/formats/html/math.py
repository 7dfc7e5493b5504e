"""Equations of a page (MathML Core) as one line of text."""

from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 50
_SIGNS = {"mfrac": "/", "msup": "^", "msub": "_", "munder": "_", "mover": "^"}
_ANNOTATIONS = {"annotation", "annotation-xml"}


def line_of(node: Any, depth: int = 0) -> str:
    """Return an equation, or a part of one, such as `(a+b)/2`."""
    if node.tag == "-text" or depth > MAX_DEPTH:
        return "".join((node.text() or "").split())
    parts = [line_of(child, depth + 1) for child in _children(node)]
    if node.tag in _SIGNS and len(parts) == 2:
        return _SIGNS[node.tag].join(map(_grouped, parts))
    if node.tag in {"msubsup", "munderover"} and len(parts) == 3:
        return f"{_grouped(parts[0])}_{_grouped(parts[1])}^{_grouped(parts[2])}"
    if node.tag == "msqrt":
        return f"√{_grouped(''.join(parts))}"
    if node.tag == "mroot" and len(parts) == 2:
        return f"{_grouped(parts[1])}√{_grouped(parts[0])}"
    return "".join(parts)


def _children(node: Any) -> Iterator[Any]:
    child = node.child
    while child is not None:
        if child.tag not in _ANNOTATIONS and (child.tag != "-text" or (child.text() or "").strip()):
            yield child
        child = child.next


def _grouped(text: str) -> str:
    return text if text.isalnum() else f"({text})"
