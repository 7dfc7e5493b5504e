"""Tools out of OpenAPI documents: read a document, choose operations, see what would change, apply it."""
