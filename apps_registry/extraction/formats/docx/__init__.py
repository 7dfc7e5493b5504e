"""DOCX: a zip of XML parts (Office Open XML, ECMA-376)."""

from apps_registry.extraction.formats.docx.document import read

__all__ = ["read"]
