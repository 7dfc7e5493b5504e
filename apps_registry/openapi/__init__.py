"""Imports tools from OpenAPI documents: read a document, select operations, preview and apply the changes."""
