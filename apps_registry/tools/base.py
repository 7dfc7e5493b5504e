"""The tool protocol: what a tool is, and the decorator that makes one of a typed function.

Knows neither Django nor HTTP, so that a tool's test needs no database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class ToolError(Exception):
    """A tool could not answer; the message is written for the model, which may try again."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the caller.

    Attributes:
        wallet_address: the wallet bound to the session, in canonical form, or None.
        wallet_chain_id: the EIP-155 id of its chain, or None.
    """

    wallet_address: str | None = None
    wallet_chain_id: int | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call.

    Attributes:
        name: what the model calls it by.
        description: tells the model when and how to use it.
        parameters: JSON Schema of its arguments, an object.
        call: runs it with validated arguments; returns JSON-serialisable data; raises ToolError.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    call: Callable[[Mapping[str, Any], ToolContext], Any]
