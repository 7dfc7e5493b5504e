"""Which parts of a page of HTML a reader can bring to sight: accordions, tabs, menus, dialogs with a button."""

import re
from collections.abc import Mapping
from typing import Any

_CONTROLS = "button, summary, a, input, label, [role=button], [role=tab], [aria-controls], [data-target]"
_NAMING = ("aria-controls", "data-target", "data-bs-target", "popovertarget", "commandfor")
# Of a link: it switches something on this page, and does not only lead to a place in it.
_SWITCHING = ("aria-expanded", "data-toggle", "data-bs-toggle", "role")
_SWITCH = re.compile(r"accordion|collaps|expand|toggle|question|faq", re.IGNORECASE)


class Controls:
    """The controls of a page, and what they reveal."""

    def __init__(self, tree: Any) -> None:
        """Note what the page's controls name."""
        self._ids: set[str] = set()
        for node in tree.css(_CONTROLS):
            attributes = node.attributes
            named = " ".join(attributes.get(name) or "" for name in _NAMING)
            if any(name in attributes for name in _SWITCHING):
                named += " " + (attributes.get("href") or "")
            self._ids.update(each.removeprefix("#") for each in named.split())
        self._tabs = {node.attributes.get("id") or "" for node in tree.css("[role=tab]")} - {""}

    def reveal(self, node: Any, attributes: Mapping[str, str | None]) -> bool:
        """Tell whether a control of the page reveals an element."""
        if (attributes.get("id") or "") in self._ids - {""}:
            return True
        if attributes.get("role") == "tabpanel" and (attributes.get("aria-labelledby") or "") in self._tabs:
            return True
        return bool(attributes) and _is_switch(_element_before(node))


def _element_before(node: Any) -> Any:
    before = node.prev
    while before is not None and before.tag.startswith("-"):
        before = before.prev
    return before


def _is_switch(node: Any) -> bool:
    """Tell whether an element is a button that opens what follows it, or a heading around one."""
    for _ in range(4):
        if node is None or node.tag.startswith("-"):
            return False
        attributes = node.attributes
        is_button = node.tag == "button" or attributes.get("role") == "button"
        if is_button and ("aria-expanded" in attributes or _SWITCH.search(attributes.get("class") or "")):
            return True
        node = node.child
        while node is not None and node.tag == "-text" and node.next is not None:
            node = node.next
    return False
