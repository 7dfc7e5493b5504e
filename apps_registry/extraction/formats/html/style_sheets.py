"""Finds the styles that apply to the elements of an HTML page, in its style sheets and style attributes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import tinycss2
from tinycss2 import ast

from apps_registry.extraction.formats.html.media import holds_on_screen

MAX_RULES = 5_000
_PROPERTIES = {
    *("display", "visibility", "opacity", "color", "background", "background-color", "background-image"),
    *("font", "font-size", "width", "height", "max-width", "max-height", "overflow", "overflow-x", "overflow-y"),
    *("float", "position", "left", "right", "top", "bottom", "margin-left", "margin-top", "text-indent"),
    *("transform", "scale", "translate", "clip", "clip-path", "filter", "background-clip", "-webkit-background-clip"),
    *("content-visibility", "-webkit-text-fill-color", "text-decoration", "text-decoration-line"),
}
_CLASS = re.compile(r"\.(-?[a-zA-Z_][\w-]*)")

Declarations = dict[str, str]


class Styles:
    """The styles of a page's elements, by node id."""

    def __init__(self, tree: Any, linked: Sequence[str] = ()) -> None:
        """Match the rules of the page's style sheets, after those of linked ones."""
        self._by_class: dict[str, list[Any]] = defaultdict(list)
        for node in tree.css("[class]"):
            for name in set((node.attributes["class"] or "").split()):
                self._by_class[name].append(node)
        self._by_node: dict[int, list[tuple[tuple[int, int, int, int], Declarations]]] = defaultdict(list)
        rules = [rule for sheet in linked for rule in _rules(sheet, {})]
        rules += [rule for sheet in tree.css("style") for rule in _rules(sheet.text() or "", sheet.attributes)]
        for number, (selector, declared) in enumerate(rules[:MAX_RULES]):
            for node in self._matches(tree, selector):
                self._by_node[node.mem_id].append(((*_specificity(selector), number), declared))

    def _matches(self, tree: Any, selector: str) -> list[Any]:
        """Return the elements that a selector matches; skip selectors with a class that no element has."""
        classes = _CLASS.findall(selector)
        if not all(name in self._by_class for name in classes) and "(" not in selector:
            return []
        if len(classes) == 1 and selector == f".{classes[0]}":
            return self._by_class[classes[0]]
        return _select(tree, selector)

    def declarations_of(self, node: Any, attributes: Mapping[str, str | None]) -> Declarations:
        """Return the declarations that apply to an element, by importance and specificity, then by order."""
        if not attributes and node.mem_id not in self._by_node:
            return {}
        presentational = {"color": attributes.get("color") or "", "background-color": attributes.get("bgcolor") or ""}
        declarations = {name: value for name, value in presentational.items() if value}
        if node.tag == "body" and (text := attributes.get("text")):
            declarations["color"] = text
        layers = [declared for _, declared in sorted(self._by_node.get(node.mem_id, ()), key=lambda entry: entry[0])]
        if own_style := attributes.get("style"):
            layers.append(_declared_by(own_style))
        for is_important in (False, True):
            for layer in layers:
                declarations |= {
                    name: value.removesuffix("!")
                    for name, value in layer.items()
                    if value.endswith("!") is is_important
                }
        return declarations


def _rules(sheet: str, attributes: Mapping[str, str | None]) -> Iterator[tuple[str, Declarations]]:
    """Yield the selectors of a style sheet with their declarations, including those inside @media and similar rules."""
    if not holds_on_screen(attributes.get("media") or ""):
        return
    waiting = [tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)]
    while waiting:
        for rule in waiting.pop():
            if (
                isinstance(rule, ast.AtRule)
                and rule.content is not None
                and rule.at_keyword not in {"font-face", "keyframes"}
            ):
                if rule.lower_at_keyword != "media" or holds_on_screen(tinycss2.serialize(rule.prelude)):
                    waiting.append(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))
            elif isinstance(rule, ast.QualifiedRule) and (declared := _declared(rule.content)):
                for selector in _selectors(rule.prelude):
                    yield selector, declared


def _selectors(prelude: list[Any]) -> Iterator[str]:
    current: list[Any] = []
    for part in [*prelude, None]:
        if part is None or part == ",":
            if selector := tinycss2.serialize(current).strip():
                yield selector
            current = []
        else:
            current.append(part)


@lru_cache(4096)
def _declared_by(attribute: str) -> Declarations:
    return _declared(attribute)


def _declared(content: Any) -> Declarations:
    """Return the relevant declarations in lower case; the value of an important one ends in an exclamation mark."""
    declarations: Declarations = {}
    for declaration in tinycss2.parse_declaration_list(content, skip_comments=True, skip_whitespace=True):
        if isinstance(declaration, ast.Declaration) and declaration.lower_name in _PROPERTIES:
            value = " ".join(tinycss2.serialize(declaration.value).lower().split())
            declarations[declaration.lower_name] = value + ("!" if declaration.important else "")
    return declarations


def _select(tree: Any, selector: str) -> list[Any]:
    if ":" in selector and re.search(r"::|:(?:before|after|hover|focus|active|visited|target|checked)", selector):
        return []  # styles generated content, or another state of the element
    try:
        return list(tree.css(selector))
    except Exception:  # a selector that the library does not support hides nothing
        return []


def _specificity(selector: str) -> tuple[int, int, int]:
    ids, classes = selector.count("#"), len(re.findall(r"[.\[]|(?<!:):(?!:)", selector))
    return ids, classes, len(re.findall(r"(?:^|[\s>+~])[a-z]", selector, re.IGNORECASE))
