"""reStructuredText."""

from apps_registry.extraction.formats.rst.document import read

__all__ = ["read"]
