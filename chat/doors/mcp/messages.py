"""Reads a JSON-RPC message, with or without a handshake, and checks that its headers agree with its body."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.doors.mcp.protocol import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    META,
    STATELESS_VERSION,
    VERSIONS,
    MessageId,
    ProtocolFault,
    unsupported_version,
)

_BASE64, _END = "=?base64?", "?="


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """A message of a client.

    Attributes:
        id: None for a notification.
        method: empty for a response; this server never requests one.
        is_stateless: whether the message follows the revision without handshakes.
    """

    id: MessageId
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    is_stateless: bool = False

    @property
    def progress_token(self) -> str | int | None:
        """The token for progress notifications; None if the client does not want any."""
        token = _mapping(self.params.get("_meta")).get("progressToken")
        return token if isinstance(token, str | int) and not isinstance(token, bool) else None

    @property
    def can_ask_user(self) -> bool:
        """Whether the client can show a form to its user and send the request again with the answers."""
        capabilities = _mapping(_mapping(self.params.get("_meta")).get(f"{META}clientCapabilities"))
        modes = capabilities.get("elicitation")
        # An empty object means forms, the oldest mode; a client that names modes must name it.
        return self.is_stateless and isinstance(modes, dict) and (not modes or "form" in modes)


def read_message(body: Mapping[str, Any], headers: Mapping[str, str]) -> RpcMessage:
    """Read a message.

    Raises:
        ProtocolFault: it is not a JSON-RPC message, its revision is not supported, or its headers contradict it.
    """
    message = _read(body)
    version = headers.get("MCP-Protocol-Version")
    named = _mapping(message.params.get("_meta")).get(f"{META}protocolVersion")
    if message.method == "initialize" or (named is None and version != STATELESS_VERSION):
        if version is not None and version not in VERSIONS and message.method != "initialize":
            raise unsupported_version(version)
        return message
    stateless = RpcMessage(message.id, message.method, message.params, is_stateless=True)
    if message.id is not None:
        _check_envelope(stateless, headers, named)
    return stateless


def message_id(body: Any) -> MessageId:
    """Return the id of a message, even if the message is invalid; None if it has no id."""
    value = body.get("id") if isinstance(body, Mapping) else None
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _read(body: Mapping[str, Any]) -> RpcMessage:
    method, params = body.get("method"), body.get("params")
    if body.get("jsonrpc") != "2.0":
        raise ProtocolFault(INVALID_REQUEST, 'jsonrpc must be "2.0"', is_of_transport=True)
    if method is None and ("result" in body or "error" in body):
        return RpcMessage(None, "")
    if not isinstance(method, str) or not method:
        raise ProtocolFault(INVALID_REQUEST, "method must be a string", is_of_transport=True)
    if not (params is None or isinstance(params, dict)):
        raise ProtocolFault(INVALID_REQUEST, "params must be an object", is_of_transport=True)
    identity = message_id(body)
    if "id" in body and identity is None:
        raise ProtocolFault(INVALID_REQUEST, "id must be a string or an integer", is_of_transport=True)
    return RpcMessage(identity, method, params or {})


def _check_envelope(message: RpcMessage, headers: Mapping[str, str], version: object) -> None:
    meta = _mapping(message.params.get("_meta"))
    missing = [name for name in ("protocolVersion", "clientCapabilities") if f"{META}{name}" not in meta]
    if missing:
        names = ", ".join(f"{META}{name}" for name in missing)
        raise ProtocolFault(INVALID_PARAMS, f"params._meta lacks {names}", is_of_transport=True)
    name = message.params.get("name") if message.method == "tools/call" else None
    if headers.get("MCP-Protocol-Version") != version:
        raise _mismatch("MCP-Protocol-Version is not the version in params._meta")
    if headers.get("Mcp-Method") != message.method:
        raise _mismatch("Mcp-Method is not the method of the body")
    if name is not None and _decoded(headers.get("Mcp-Name")) != name:
        raise _mismatch("Mcp-Name is not the tool's name in the body")
    if version != STATELESS_VERSION:
        raise unsupported_version(version)


def _mismatch(problem: str) -> ProtocolFault:
    return ProtocolFault(HEADER_MISMATCH, problem, is_of_transport=True)


def _decoded(header: str | None) -> str | None:
    """Return the value of a header, which may be in base64; None if it cannot be read."""
    if header is None or not (header.startswith(_BASE64) and header.endswith(_END)):
        return header
    try:
        return base64.b64decode(header[len(_BASE64) : -len(_END)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
