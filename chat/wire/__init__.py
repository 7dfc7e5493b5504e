"""The JSON that clients of the HTTP API get, as types that the code and the OpenAPI document share.

They cost nothing while the server answers: a TypedDict is a dict, and nobody checks it at run time but mypy.
"""
