"""Where an operation is served."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from apps_registry.openapi.document import Document, Unsupported
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.request import Request, plain

VARIABLE = re.compile(r"\{([^{}]*)\}")
MAX_URL_CHARS = 2_000  # as long as a tool's may be


def server_url(document: Document, operation: Operation, chosen: str = "") -> str:
    """Return the address before the operation's path, without a slash at its end.

    Args:
        document: the document.
        operation: the operation; its own servers come before its path's, these before the document's.
        chosen: the operator's own choice, which comes before all.

    Raises:
        Unsupported: the document names no whole address, and the operator chose none.
    """
    url = chosen or _filled(_server(document, operation))
    try:
        if document.url and not chosen:
            url = urljoin(document.url, url)
        parts = urlsplit(plain(url, "the address of the server"))
    except ValueError:
        raise Unsupported("the address of the server cannot be read") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unsupported("the document does not say on which server it is; name one")
    if parts.username is not None or parts.query or parts.fragment:
        raise Unsupported("the address of the server holds more than a host and a path")
    return url.rstrip("/")


def host_of(url: str) -> str:
    """Return the host of an address, for the names of secrets."""
    return urlsplit(url).hostname or ""


def whole_url(server: str, operation: Operation, request: Request) -> str:
    """Return the operation's address with placeholders for the parameters of its path.

    What the path holds after `?` becomes entries of the query; after `#`, nothing (it only tells operations apart).

    Raises:
        Unsupported: the path could be read as a placeholder of ours.
    """
    path, _, query = plain(operation.path, "its path").partition("#")[0].partition("?")
    for name in dict.fromkeys(VARIABLE.findall(f"{path}?{query}")):
        if name not in request.path:  # some documents do not declare them
            placeholder = request.argument(name, {"type": "string"}, is_required=True)
            request.path[name] = placeholder or ""
    for entry in filter(None, query.split("&")):
        name, _, value = entry.partition("=")
        request.query.setdefault(name, _with_placeholders(value, request))
    return server + _with_placeholders(path if path[:1] == "/" else f"/{path}", request)


def _with_placeholders(text: str, request: Request) -> str:
    return VARIABLE.sub(lambda found: request.path[found[1]], text)


def _server(document: Document, operation: Operation) -> Mapping[str, Any]:
    for holder in (operation.data, operation.shared, document.data):
        servers = holder.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], Mapping):
            return servers[0]
    return {"url": "/"}


def _filled(server: Mapping[str, Any]) -> str:
    variables = server.get("variables")

    def value(found: re.Match[str]) -> str:
        variable = variables.get(found[1]) if isinstance(variables, Mapping) else None
        if not isinstance(variable, Mapping) or variable.get("default") is None:
            raise Unsupported(f"the server's address needs a value for {found[1][:40]}; name a server")
        return _bounded(str(variable["default"]))

    return _bounded(VARIABLE.sub(value, _bounded(str(server.get("url") or "/"))))


def _bounded(text: str) -> str:
    if len(text) > MAX_URL_CHARS:
        raise Unsupported(f"the address of the server is longer than {MAX_URL_CHARS} characters")
    return text
