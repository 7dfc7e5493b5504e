"""Tool calls put together from the pieces in which servers send them.

The rule: a new id begins a call. Without ids, another name does, and the same name only where the arguments that are
there are complete, are not `{}`, and are not what this piece repeats. No call is made twice because a piece came twice.
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
# Servers that repeat what they have sent with every piece send far more than the arguments are long.
PIECES_MAX_CHARS = 16 * ARGUMENTS_MAX_CHARS
KNOWN_OF_CALL = frozenset({"index", "id", "type", "function", "name", "arguments"})
KNOWN_OF_FUNCTION = frozenset({"name", "arguments"})
_AROUND_NAME = re.compile(r"^functions\.|(?<=\w):\d+$")


def read_pieces(called: Any, *, is_restated: bool = False) -> tuple[ToolCallDelta, ...]:
    """Return what a chunk says of tool calls; anything that is not of a known shape raises TypeError or its kin."""
    listed = [called] if isinstance(called, dict) else called
    return tuple(_piece(call, place, is_restated) for place, call in enumerate(listed) if call is not None)


def has_object_arguments(called: Any) -> bool:
    """Tell whether a chunk has arguments as JSON rather than as the text of JSON."""
    listed = [called] if isinstance(called, dict) else called
    return any(not isinstance(_function(call).get("arguments"), str | None) for call in listed if call is not None)


def _piece(call: Mapping[str, Any], place: int, is_restated: bool) -> ToolCallDelta:
    function = _function(call)
    extra = {name: value for name, value in call.items() if name not in KNOWN_OF_CALL and value is not None}
    if function is not call and (more := {n: v for n, v in function.items() if n not in KNOWN_OF_FUNCTION}):
        extra["function"] = more
    return ToolCallDelta(
        _index(call.get("index"), place),
        str(call.get("id") or ""),
        _name(function.get("name"), call),
        _arguments(function.get("arguments")),
        extra or None,
        is_restated,
    )


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the call's function; some gateways leave the level out."""
    return call.get("function") or (call if "name" in call or "arguments" in call else {})


def _name(value: Any, call: Mapping[str, Any]) -> str:
    """Return the name in a piece; some servers write null as a text into the pieces that continue a call."""
    name = str(value or "")
    return "" if name == "null" and not call.get("id") else name


def _index(value: Any, place: int) -> int | None:
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return place if place else None  # some servers leave it out, or null


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


@dataclass(slots=True, eq=False)
class _Call:
    """A call while its pieces come in."""

    index: int | None
    call_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    verbatim: Verbatim | None = None
    is_tentative: bool = False

    def add(self, piece: ToolCallDelta) -> None:
        self.call_id = self.call_id or piece.call_id
        # Some servers send a name that grows, like everything that they repeat; some send it in pieces.
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
        """Tell whether a piece goes on with the name: on servers that give ids, another call would have its own."""
        is_same = bool(self.call_id) and not piece.call_id and piece.index is not None and piece.index == self.index
        return is_same and not self.pieces and bool(piece.name) and piece.name != self.name

    def _add_arguments(self, text: str) -> None:
        self.length += len(text)
        if self.length > PIECES_MAX_CHARS:
            raise ModelFailure("The model wrote tool arguments without end.")
        self.pieces.append(text)


@dataclass(frozen=True, slots=True)
class AssembledCall:
    """A whole call.

    Attributes:
        call_id: the server's; empty when it gave none.
        arguments: JSON text of an object, or what the model wrote in its place.
        extra: fields that the protocol does not know, which the provider may want back.
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
            ModelFailure: calls or arguments without end.
        """
        known = self._restated_call(piece) if piece.is_restated else self._known_call(piece)
        if known is None:
            known = self._begin(piece)
        known.add(piece)

    def calls(self) -> list[AssembledCall]:
        """Return the calls, in the order in which they began.

        Raises:
            ModelFailure: arguments without end.
        """
        whole = [_assembled(call) for call in self._calls if call.pieces or (call.name and not call.is_tentative)]
        if any(len(call.arguments) > ARGUMENTS_MAX_CHARS for call in whole):
            raise ModelFailure("The model wrote tool arguments without end.")
        return whole

    def _begin(self, piece: ToolCallDelta, *, is_tentative: bool = False) -> _Call:
        if len(self._calls) >= CALLS_MAX:
            raise ModelFailure("The model called tools without end.")
        call = _Call(piece.index, is_tentative=is_tentative)
        self._calls.append(call)
        self._latest[piece.index or 0] = call
        return call

    def _known_call(self, piece: ToolCallDelta) -> _Call | None:
        """Return the call that a piece continues or repeats; None: it begins one."""
        if piece.call_id:
            same = [call for call in self._calls if call.call_id == piece.call_id]
            if same:
                return _of_same_id(same, piece)
        latest = self._latest.get(piece.index or 0)
        if piece.call_id:
            return latest if latest is not None and _takes_id(latest, piece) else None
        if piece.name:
            return self._by_name(latest, piece) if latest is not None else None
        if latest is None and self._calls:  # some servers give the pieces of one call other numbers
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
        if not piece.arguments:  # either a repeated name, or another call whose arguments are still to come
            return self._begin(piece, is_tentative=True)
        return None

    def _restated_call(self, piece: ToolCallDelta) -> _Call | None:
        """Return the call that the whole message repeats, in order; None: it is new."""
        if (place := piece.index or 0) < len(self._calls):
            call = self._calls[place]
            if call.name == piece.name and is_repeated(call.pieces, piece.arguments):
                return call
        return self._known_call(piece)


def _of_same_id(calls: list[_Call], piece: ToolCallDelta) -> _Call | None:
    """Return the call of a piece's id; None for another call under an id that is taken."""
    for call in calls:
        if piece.index is None or call.index == piece.index or not piece.name:
            return call
    if all(piece.name == call.name and not is_repeated(call.pieces, piece.arguments) for call in calls):
        return None
    return calls[0] if any(piece.name == call.name for call in calls) else None


def _takes_id(latest: _Call, piece: ToolCallDelta) -> bool:
    """Tell whether a piece with a new id goes on with a call all the same."""
    if not latest.call_id:  # the id comes late
        is_same = piece.name in {"", latest.name}
        return is_same and (not is_complete(latest.pieces) or is_repeated(latest.pieces, piece.arguments))
    # Some servers make another id for every piece: one without a name, amid the arguments of a call, begins none.
    if piece.name or not piece.arguments:
        return False
    return not may_begin(piece.arguments) or continues(latest.pieces)


def _assembled(call: _Call) -> AssembledCall:
    extra = call.verbatim.whole() if call.verbatim else None
    return AssembledCall(call.call_id, _plain_name(call.name), whole_arguments(call.pieces), extra)


def _plain_name(name: str) -> str:
    """Return a tool's name without what gpt-oss and Kimi write around it: a namespace, a channel, a count."""
    return _AROUND_NAME.sub("", name.partition("<|")[0].strip())
