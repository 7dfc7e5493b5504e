"""The server address of an operation."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from apps_registry.openapi.document import OpenApiDocument, Unsupported
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.request import Request, plain

VARIABLE = re.compile(r"\{([^{}]*)\}")
MAX_URL_CHARS = 2_000  # the maximum for a tool


def server_url(document: OpenApiDocument, operation: Operation, chosen: str = "") -> str:
    """Return the address before the operation's path, without a trailing slash.

    Args:
        document: the document.
        operation: the operation; its servers have priority over those of its path, and these over the document's.
        chosen: the address that the operator chose, which has priority over all others.

    Raises:
        Unsupported: the document has no complete address, and the operator did not choose one.
    """
    url = chosen or _filled(_server(document, operation))
    try:
        if document.url and not chosen:
            url = urljoin(document.url, url)
        parts = urlsplit(plain(url, "the address of the server"))
    except ValueError:
        raise Unsupported("the address of the server cannot be read") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unsupported("the document does not name a server; enter its address")
    if parts.username is not None or parts.query or parts.fragment:
        raise Unsupported("the address of the server contains more than a host and a path")
    return url.rstrip("/")


def host_of(url: str) -> str:
    """Return the host of an address, for the names of secrets."""
    return urlsplit(url).hostname or ""


def whole_url(server: str, operation: Operation, request: Request) -> str:
    """Return the operation's address with placeholders for the parameters of its path.

    The part of the path after `?` becomes query entries; the part after `#` is ignored (it only distinguishes
    operations).

    Raises:
        Unsupported: the path contains text that could be a placeholder.
    """
    path, _, query = plain(operation.path, "its path").partition("#")[0].partition("?")
    for name in dict.fromkeys(VARIABLE.findall(f"{path}?{query}")):
        if name not in request.path:  # some documents do not declare path parameters
            placeholder = request.argument(name, {"type": "string"}, is_required=True)
            request.path[name] = placeholder or ""
    for entry in filter(None, query.split("&")):
        name, _, value = entry.partition("=")
        request.query.setdefault(name, _with_placeholders(value, request))
    return server + _with_placeholders(path if path[:1] == "/" else f"/{path}", request)


def _with_placeholders(text: str, request: Request) -> str:
    return VARIABLE.sub(lambda match: request.path[match[1]], text)


def _server(document: OpenApiDocument, operation: Operation) -> Mapping[str, Any]:
    for holder in (operation.data, operation.shared, document.data):
        servers = holder.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], Mapping):
            return servers[0]
    return {"url": "/"}


def _filled(server: Mapping[str, Any]) -> str:
    variables = server.get("variables")

    def value(match: re.Match[str]) -> str:
        variable = variables.get(match[1]) if isinstance(variables, Mapping) else None
        if not isinstance(variable, Mapping) or variable.get("default") is None:
            raise Unsupported(f"the server's address needs a value for {match[1][:40]}; enter the address of a server")
        return _bounded(str(variable["default"]))

    return _bounded(VARIABLE.sub(value, _bounded(str(server.get("url") or "/"))))


def _bounded(text: str) -> str:
    if len(text) > MAX_URL_CHARS:
        raise Unsupported(f"the address of the server is longer than {MAX_URL_CHARS} characters")
    return text
