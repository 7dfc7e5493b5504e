"""What higher layers add to the pages of lower ones.

A page about an App also shows its usage, and a page about a key its failed turns. These come from modules in higher
layers, which the page must not import, so those modules add them to its template context here.
"""

from collections.abc import Callable
from typing import Any, Literal

from django.http import HttpRequest

Page = Literal["app overview", "app prompt", "app usage", "key", "revoke keys"]
Addition = Callable[[HttpRequest, Any], dict[str, Any]]

_additions: dict[Page, list[Addition]] = {}


def add_to(page: Page, addition: Addition) -> None:
    """Add to a page's template context.

    Args:
        page: which page.
        addition: returns the additional context for a request and for what the page is about: an App, a key, or the
            list of keys to revoke. It checks permissions itself.
    """
    _additions.setdefault(page, []).append(addition)


def added_to(page: Page, request: HttpRequest, subject: Any) -> dict[str, Any]:
    """Return everything that was added to a page's template context."""
    return {name: value for add in _additions.get(page, ()) for name, value in add(request, subject).items()}
