"""HTML: the text that a page shows, and the text that its styles and controls hide."""

from apps_registry.extraction.formats.html.page import read, read_page

__all__ = ["read", "read_page"]
