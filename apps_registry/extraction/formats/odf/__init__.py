"""OpenDocument: ODT, ODS and ODP."""

from apps_registry.extraction.formats.odf.document import read

__all__ = ["read"]
