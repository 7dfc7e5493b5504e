"""HTML and EPUB: numbers of lines and pages, which the layout moves into the margin and the source has within words."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from apps_registry.extraction.formats.html.style_sheets import Styles

_NUMBER = re.compile(r"[\[({]?(?:p(?:g|age)?\.?\s?)?(\d{1,4})[\])}]?", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:^|[\s_-])(?:line|page|pg)[_-]?(?:n|no|nr|nums?|numbers?)(?:$|[\s_-])|(?:^|\s)(?:doc-)?pagebreak(?:$|\s)",
    re.IGNORECASE,
)
_INLINE = "span, a, small, sup, b, i, em, strong"
STEP = 5  # editions number every fifth or tenth line


def is_aside(style: Mapping[str, str]) -> bool:
    """Tell whether a style takes an element out of the line."""
    return style.get("float", "none") in {"left", "right"} or style.get("position") in {"absolute", "fixed"}


def margin_numbers(tree: Any, styles: Styles) -> set[int]:
    """Return the ids of elements that hold the number of a line or a page.

    Their class or role says so; or the layout takes all elements of a class out of the line, and they count lines in
    fives or tens. Other numbers, such as prices at the right edge, belong to the text.
    """
    found: set[int] = set()
    in_class: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for node, number in _numbers(tree):
        attributes = node.attributes
        if _NAMED.search(" ".join(attributes.get(name) or "" for name in ("class", "epub:type", "role"))):
            found.add(node.mem_id)
        elif is_aside(styles.declarations_of(node, attributes)):
            in_class[attributes.get("class") or ""].append((number, node.mem_id))
    for numbered in in_class.values():
        numbers = [number for number, _ in numbered]
        step = numbers[0]
        if step % STEP == 0 and len(numbers) > 1 and numbers == [step * place for place in range(1, len(numbers) + 1)]:
            found |= {node_id for _, node_id in numbered}
    return found


def _numbers(tree: Any) -> Iterator[tuple[Any, int]]:
    for node in tree.css(_INLINE):
        text = node.child
        if text is None or text.next is not None or text.tag != "-text":
            continue
        if number := _NUMBER.fullmatch((text.text_content or "").strip()):
            yield node, int(number[1])
