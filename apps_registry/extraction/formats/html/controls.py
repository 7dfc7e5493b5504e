"""Finds the parts of an HTML page that a visitor can reveal: accordions, tabs, menus, dialogs with a button."""

import re
from collections.abc import Mapping
from typing import Any

_CONTROLS = "button, summary, a, input, label, [role=button], [role=tab], [aria-controls], [data-target]"
_NAMING = ("aria-controls", "data-target", "data-bs-target", "popovertarget", "commandfor")
# A link with one of these toggles something on this page, instead of only leading to a position in it.
_SWITCHING = ("aria-expanded", "data-toggle", "data-bs-toggle", "role")
_SWITCH = re.compile(r"accordion|collaps|expand|toggle|question|faq", re.IGNORECASE)


class Controls:
    """The controls of a page, and the elements that they reveal."""

    def __init__(self, tree: Any) -> None:
        """Collect the ids that the page's controls refer to."""
        self._ids: set[str] = set()
        for node in tree.css(_CONTROLS):
            attributes = node.attributes
            targets = " ".join(attributes.get(name) or "" for name in _NAMING)
            if any(name in attributes for name in _SWITCHING):
                targets += " " + (attributes.get("href") or "")
            self._ids.update(target.removeprefix("#") for target in targets.split())
        self._tabs = {node.attributes.get("id") or "" for node in tree.css("[role=tab]")} - {""}

    def reveal(self, node: Any, attributes: Mapping[str, str | None]) -> bool:
        """Tell whether a control of the page can reveal an element."""
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


def is_question(button: Any) -> bool:
    """Return whether the label of a button belongs to the text: it opens something, or it is a heading."""
    attributes = button.attributes
    if "aria-expanded" in attributes or any(attributes.get(name) for name in _NAMING):
        return True
    if _SWITCH.search(attributes.get("class") or "") or (button.text() or "").strip().endswith("?"):
        return True
    above = button.parent
    return above is not None and above.tag in {"h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt"}


def _is_switch(node: Any) -> bool:
    """Tell whether an element opens what follows it, or is a heading that contains one that does."""
    if node is not None and not node.tag.startswith("-") and _is_clickable(node):
        return True
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


def _is_clickable(node: Any) -> bool:
    """Tell whether scripts of a page make an element a control, as its names show: a question, a label, a term."""
    attributes = node.attributes
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    if node.tag not in {"button", "input"} and _SWITCH.search(names):
        return True
    if node.tag == "label" and attributes.get("for"):
        return True
    is_question = (node.text() or "").strip()[-1:] in {"?", "？", "؟"}  # noqa: RUF001
    return is_question and (node.tag == "dt" or node.tag in {"h2", "h3", "h4", "h5", "h6"} or "onclick" in attributes)
