"""XLSX: workbooks of sheets (Office Open XML, ECMA-376)."""

from apps_registry.extraction.formats.xlsx.workbook import read

__all__ = ["read"]
