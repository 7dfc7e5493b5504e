"""Every URL of the product, from the URL configuration, with a sample for each parameter."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

SAMPLES = {"int": "1", "uuid": "3f2b8c1e-0000-4000-8000-000000000001", "str": "x", "path": "1", "slug": "x"}
CONVERTER = re.compile(r"<(?:(\w+):)?\w+>")
GROUP = re.compile(r"\(\?P<\w+>[^)]*\)")


def every_path() -> list[str]:
    """Return one path for each URL pattern."""
    return sorted({f"/{path}" for path in _paths(get_resolver())})


def _paths(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        path = before + _filled(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path


def _filled(route: Any) -> str:
    path = CONVERTER.sub(lambda match: SAMPLES[match[1] or "str"], GROUP.sub("x", route))
    return path.replace("^", "").replace("$", "").replace("\\Z", "").replace(".*", "x")
