"""Finds the parts of an HTML page that its whole site repeats: menus, banners, footers, requests for consent."""

import re
from collections.abc import Mapping
from typing import Any

_ROLES = {"navigation", "banner", "contentinfo", "search"}
_CONTENT = {"main", "article", "section", "blockquote", "figure", "dialog", "details"}
_CONSENT = re.compile(r"cookie|consent|gdpr|onetrust|\bcc-(?:banner|window)", re.IGNORECASE)
_MENU = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|sidebar|breadcrumbs?|skip-?(?:link|nav|to))(?:$|[\s_-])", re.IGNORECASE
)
_MAX_CONSENT_CHARS = 3000
_MIN_LINK_SHARE = 0.6
_MAX_SHARE = 0.5  # a share of the page's text; a larger part is the main content
_BOXES = {"div", "section", "aside", "ul", "ol", "header", "footer", "p", "a", "form", "dialog"}


class Furniture:
    """Decides for each element of a page whether the whole site repeats it."""

    def __init__(self, tree: Any) -> None:
        self._page_chars = len(tree.body.text()) if tree.body else 0

    def contains(self, node: Any, tag: str, attributes: Mapping[str, str | None]) -> bool:
        """Tell whether an element, with all that it contains, is repeated by the site."""
        if tag == "nav":
            return True
        if not (attributes.get("role") in _ROLES or tag in {"header", "footer"} or self._is_named(tag, attributes)):
            return False
        text = node.text()
        if len(text) > _MAX_SHARE * self._page_chars:
            return False
        names = _names(attributes)
        if _CONSENT.search(names) and len(text) <= _MAX_CONSENT_CHARS:
            return True
        if attributes.get("role") in {"navigation", "search"} or (_MENU.search(names) and _is_links(node, text)):
            return True
        is_top = (tag in {"header", "footer"} or attributes.get("role") in _ROLES) and not _is_in_content(node)
        return is_top and (tag == "footer" or node.css_first("h1, h2, p") is None)

    def _is_named(self, tag: str, attributes: Mapping[str, str | None]) -> bool:
        names = _names(attributes) if tag in _BOXES else ""
        return bool(names) and (_CONSENT.search(names) is not None or _MENU.search(names) is not None)


def _names(attributes: Mapping[str, str | None]) -> str:
    return " ".join(attributes.get(name) or "" for name in ("class", "id", "aria-label"))


def _is_links(node: Any, text: str) -> bool:
    """Tell whether most of the text is links, as in a menu."""
    if node.tag == "a":
        return True
    linked = sum(len(link.text()) for link in node.css("a"))
    return linked >= _MIN_LINK_SHARE * len("".join(text.split())) > 0


def _is_in_content(node: Any) -> bool:
    above = node.parent
    while above is not None and above.tag not in {"body", "html"}:
        if above.tag in _CONTENT or above.attributes.get("role") in {"main", "article"}:
            return True
        above = above.parent
    return False
