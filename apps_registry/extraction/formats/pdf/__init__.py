"""PDF: pages of positioned text."""

from apps_registry.extraction.formats.pdf.document import read

__all__ = ["read"]
