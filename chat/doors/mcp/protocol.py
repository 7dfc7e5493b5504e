"""The revisions of the protocol that this server speaks, its error codes, and the JSON of its messages.

Clients of revision 2026-07-28 send everything that a request needs with the request. Older clients start with a
handshake (`initialize`); otherwise their requests are the same.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSION = "2026-07-28"
VERSIONS = (*HANDSHAKE_VERSIONS, STATELESS_VERSION)
SERVER = {
    "name": "aomi-apps",
    "title": settings.SPECTACULAR_SETTINGS["TITLE"],
    "version": settings.SPECTACULAR_SETTINGS["VERSION"],
}
CAPABILITIES: Mapping[str, Any] = {"tools": {}}
META = "io.modelcontextprotocol/"

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022

MessageId = str | int | None


class ProtocolFault(Exception):
    """A message that breaks the protocol; the exception's text says how.

    Attributes:
        code: the JSON-RPC error code.
        data: further data for the client.
        is_of_transport: whether older clients also get an HTTP error status. They read the bodies of other errors only
            if the status is 200.
    """

    def __init__(self, code: int, message: str, data: Any = None, *, is_of_transport: bool = False) -> None:
        super().__init__(message)
        self.code, self.data, self.is_of_transport = code, data, is_of_transport

    def status(self, *, is_stateless: bool) -> int:
        """Return the HTTP status."""
        if not (is_stateless or self.is_of_transport):
            return HTTPStatus.OK
        return HTTPStatus.NOT_FOUND if self.code == METHOD_NOT_FOUND else HTTPStatus.BAD_REQUEST


def unsupported_version(requested: object) -> ProtocolFault:
    """Return the error for a revision that this server does not speak."""
    data = {"supported": list(VERSIONS), "requested": str(requested)[:40]}
    return ProtocolFault(UNSUPPORTED_VERSION, "Unsupported protocol version", data, is_of_transport=True)


def result_message(message_id: MessageId, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the response to a request."""
    return {"jsonrpc": "2.0", "id": message_id, "result": result}


def error_message(message_id: MessageId, code: int, message: str, data: Any = None) -> dict[str, Any]:
    """Return the error response to a request; the id is None if it could not be read."""
    more = {} if data is None else {"data": data}
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": message, **more}}


def progress_message(token: str | int, number: int, text: str) -> dict[str, Any]:
    """Return a notification about a request that is still being answered; the number must increase each time."""
    params = {"progressToken": token, "progress": number, "message": text}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
