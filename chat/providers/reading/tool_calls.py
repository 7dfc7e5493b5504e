"""Assembles tool calls from the pieces in which servers send them.

The rule: a new id starts a call. Without ids, another name starts one. The same name starts one only if the arguments
so far are complete, are not `{}`, and are not repeated by this piece. A repeated piece never causes a second call.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.providers.base import ModelFailure, ToolCallDelta
from chat.providers.reading.arguments import continues, is_complete, is_repeated, may_begin, whole_arguments
from chat.providers.reading.verbatim import Verbatim

CALLS_MAX = 256
ARGUMENTS_MAX_CHARS = 64_000
# Some servers repeat all earlier text in every piece, so the pieces may be much longer than the arguments.
PIECES_MAX_CHARS = 16 * ARGUMENTS_MAX_CHARS
KNOWN_OF_CALL = frozenset({"index", "id", "type", "function", "name", "arguments"})
KNOWN_OF_FUNCTION = frozenset({"name", "arguments"})
_AROUND_NAME = re.compile(r"^functions\.|(?<=\w):\d+$")


def read_pieces(called: Any, *, is_restated: bool = False) -> tuple[ToolCallDelta, ...]:
    """Parse the tool calls in a chunk; an unknown form raises TypeError, ValueError, AttributeError etc."""
    listed = [called] if isinstance(called, dict) else called
    return tuple(_piece(call, position, is_restated) for position, call in enumerate(listed) if call is not None)


def has_object_arguments(called: Any) -> bool:
    """Return whether a chunk has arguments as a JSON value rather than as JSON text."""
    listed = [called] if isinstance(called, dict) else called
    return any(not isinstance(_function(call).get("arguments"), str | None) for call in listed if call is not None)


def _piece(call: Mapping[str, Any], position: int, is_restated: bool) -> ToolCallDelta:
    function = _function(call)
    extra = {name: value for name, value in call.items() if name not in KNOWN_OF_CALL and value is not None}
    if function is not call and (more := {n: v for n, v in function.items() if n not in KNOWN_OF_FUNCTION}):
        extra["function"] = more
    return ToolCallDelta(
        _index(call.get("index"), position),
        str(call.get("id") or ""),
        _name(function.get("name"), call),
        _arguments(function.get("arguments")),
        extra or None,
        is_restated,
    )


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the call's function; some gateways omit this level of nesting."""
    return call.get("function") or (call if "name" in call or "arguments" in call else {})


def _name(value: Any, call: Mapping[str, Any]) -> str:
    """Return the name in a piece; some servers send the text "null" in pieces that continue a call."""
    name = str(value or "")
    return "" if name == "null" and not call.get("id") else name


def _index(value: Any, position: int) -> int | None:
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return position if position else None  # some servers omit the index, or send null


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


@dataclass(slots=True, eq=False)
class _Call:
    """A call while its pieces arrive."""

    index: int | None
    call_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    verbatim: Verbatim | None = None
    is_tentative: bool = False

    def add(self, piece: ToolCallDelta) -> None:
        self.call_id = self.call_id or piece.call_id
        # Some servers repeat the name so far in each piece; others send it in parts.
        if piece.name.startswith(self.name):
            self.name = piece.name
        elif self.is_named_by(piece):
            self.name += piece.name
        if piece.arguments:
            self._add_arguments(piece.arguments)
        if piece.extra and not piece.is_restated:
            self.verbatim = self.verbatim or Verbatim()
            self.verbatim.add(piece.extra)

    def is_named_by(self, piece: ToolCallDelta) -> bool:
        """Return whether a piece continues the name: on servers that send ids, another call would have a new id."""
        is_same = bool(self.call_id) and not piece.call_id and piece.index is not None and piece.index == self.index
        return is_same and not self.pieces and bool(piece.name) and piece.name != self.name

    def _add_arguments(self, text: str) -> None:
        self.length += len(text)
        if self.length > PIECES_MAX_CHARS:
            raise ModelFailure("The model wrote tool arguments that were too long.")
        self.pieces.append(text)


@dataclass(frozen=True, slots=True)
class AssembledCall:
    """A whole call.

    Attributes:
        call_id: the server's id; empty if it sent none.
        arguments: the JSON text of an object, or whatever the model wrote instead.
        extra: fields outside the protocol, which the provider may require back.
    """

    call_id: str
    name: str
    arguments: str
    extra: dict[str, Any] | None


class ToolCallAssembly:
    """The calls of one answer."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._latest: dict[int, _Call] = {}

    def take(self, piece: ToolCallDelta) -> None:
        """Add a piece to the call that it belongs to.

        Raises:
            ModelFailure: there are too many calls, or the arguments are too long.
        """
        call = self._restated_call(piece) if piece.is_restated else self._known_call(piece)
        if call is None:
            call = self._begin(piece)
        call.add(piece)

    def calls(self) -> list[AssembledCall]:
        """Return the calls, in the order in which they started.

        Raises:
            ModelFailure: the arguments are too long.
        """
        whole = [_assembled(call) for call in self._calls if call.pieces or (call.name and not call.is_tentative)]
        if any(len(call.arguments) > ARGUMENTS_MAX_CHARS for call in whole):
            raise ModelFailure("The model wrote tool arguments that were too long.")
        return whole

    def _begin(self, piece: ToolCallDelta, *, is_tentative: bool = False) -> _Call:
        if len(self._calls) >= CALLS_MAX:
            raise ModelFailure("The model called too many tools.")
        call = _Call(piece.index, is_tentative=is_tentative)
        self._calls.append(call)
        self._latest[piece.index or 0] = call
        return call

    def _known_call(self, piece: ToolCallDelta) -> _Call | None:
        """Return the call that a piece continues or repeats; None if it starts a new call."""
        if piece.call_id:
            same_id_calls = [call for call in self._calls if call.call_id == piece.call_id]
            if same_id_calls:
                return _of_same_id(same_id_calls, piece)
        latest = self._latest.get(piece.index or 0)
        if piece.call_id:
            return latest if latest is not None and _takes_id(latest, piece) else None
        if piece.name:
            return self._by_name(latest, piece) if latest is not None else None
        if latest is None and self._calls:  # some servers give the pieces of one call different indexes
            return self._calls[-1]
        return latest

    def _by_name(self, latest: _Call, piece: ToolCallDelta) -> _Call | None:
        if not latest.name:
            return latest
        if piece.name != latest.name:
            is_more = piece.name.startswith(latest.name) and not latest.pieces
            return latest if is_more or latest.is_named_by(piece) else None
        if not is_complete(latest.pieces) or is_repeated(latest.pieces, piece.arguments):
            return latest
        if piece.arguments and not may_begin(piece.arguments):
            return latest
        if not piece.arguments:  # a repeated name, or a new call whose arguments follow
            return self._begin(piece, is_tentative=True)
        return None

    def _restated_call(self, piece: ToolCallDelta) -> _Call | None:
        """Return the call that the whole message repeats, in order; None if the call is new."""
        if (position := piece.index or 0) < len(self._calls):
            call = self._calls[position]
            if call.name == piece.name and is_repeated(call.pieces, piece.arguments):
                return call
        return self._known_call(piece)


def _of_same_id(calls: list[_Call], piece: ToolCallDelta) -> _Call | None:
    """Return the call with the piece's id; None if the piece starts a new call that reuses the id."""
    for call in calls:
        if piece.index is None or call.index == piece.index or not piece.name:
            return call
    if all(piece.name == call.name and not is_repeated(call.pieces, piece.arguments) for call in calls):
        return None
    return calls[0] if any(piece.name == call.name for call in calls) else None


def _takes_id(latest: _Call, piece: ToolCallDelta) -> bool:
    """Return whether a piece continues a call although its id is new."""
    if not latest.call_id:  # the id arrives late
        is_same = piece.name in {"", latest.name}
        return is_same and (not is_complete(latest.pieces) or is_repeated(latest.pieces, piece.arguments))
    # Some servers make a new id for every piece: within a call's arguments, a piece without a name starts no new call.
    if piece.name or not piece.arguments:
        return False
    return not may_begin(piece.arguments) or continues(latest.pieces)


def _assembled(call: _Call) -> AssembledCall:
    extra = call.verbatim.whole() if call.verbatim else None
    return AssembledCall(call.call_id, _plain_name(call.name), whole_arguments(call.pieces), extra)


def _plain_name(name: str) -> str:
    """Return a tool's name without the namespace, channel or counter that gpt-oss and Kimi add."""
    return _AROUND_NAME.sub("", name.partition("<|")[0].strip())
