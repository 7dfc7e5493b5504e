"""The JSON of the HTTP API, as types that the code and the OpenAPI document share.

The types cost nothing at run time: a TypedDict is a dict, and only mypy checks it. The document shows the docstrings of
the types.
"""
