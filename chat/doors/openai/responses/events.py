"""Writes the numbered events of a stream; stream.py decides which."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.api.streams.following import sse


@dataclass(slots=True)
class Events:
    """Writes the events of one stream.

    Attributes:
        after: the number of the last event that the client has; -1 if it has none.
        pieces: for each text, the lengths of its streamed pieces; a text without them is one piece.
        done: the ids of items that are complete.
        item_id: the id of the text that is being streamed; empty if there is none.
    """

    after: int = -1
    pieces: Sequence[Sequence[int]] = ()
    done: set[str] = field(default_factory=set)
    item_id: str = ""
    _number: int = 0
    _index: int = 0
    _texts: int = 0
    _piece: int = 0
    _sent: list[str] = field(default_factory=list)

    def event(self, kind: str, **data: Any) -> bytes:
        """Return an event; empty if the client already has it."""
        number = self._number
        self._number += 1
        if number <= self.after:
            return b""
        return f"event: {kind}\n".encode() + sse({"type": kind, "sequence_number": number, **data})

    def last(self, kind: str, **data: Any) -> bytes:
        """Return the last event.

        A client gets it even if it has seen a higher number: a worker that dies loses the lengths of the pieces, and
        fewer pieces have lower numbers.
        """
        if self._number < self.after:
            self._number = self.after + 1
        return self.event(kind, **data)

    def delta(self, item_id: str, text: str) -> Iterator[bytes]:
        """Yield the events for a piece of a text; the first piece begins the item."""
        if not self.item_id:
            yield from self._begin(item_id)
        for piece in self._split(text):
            self._sent.append(piece)
            yield self.event("response.output_text.delta", **self._position, delta=piece, logprobs=[])

    def whole(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the events that are still needed to complete an item."""
        if item["id"] in self.done:
            return
        if item["type"] == "message":
            yield from self._end_text(item)
        elif item["type"] == "function_call":
            yield from self._call(item)
        else:
            yield self.event("response.output_item.added", output_index=self._index, item=item)
        yield self.event("response.output_item.done", output_index=self._index, item=item)
        self.done.add(item["id"])
        self._index += 1

    def _split(self, text: str) -> Iterator[str]:
        lengths = self.pieces[self._texts] if self._texts < len(self.pieces) else ()
        while text and self._piece < len(lengths):
            length = lengths[self._piece]
            self._piece += 1
            yield text[:length]
            text = text[length:]
        if text:
            yield text

    @property
    def _position(self) -> dict[str, Any]:
        return {"item_id": self.item_id, "output_index": self._index, "content_index": 0}

    def _begin(self, item_id: str) -> Iterator[bytes]:
        self.item_id = item_id
        item = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        yield self.event("response.output_item.added", output_index=self._index, item=item)
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        yield self.event("response.content_part.added", **self._position, part=part)

    def _end_text(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        (part,) = item["content"]
        sent = "".join(self._sent) if self.item_id == item["id"] else ""
        if not sent:
            self._begin_again()
        if rest := part["text"].removeprefix(sent):
            yield from self.delta(item["id"], rest)
        yield self.event("response.output_text.done", **self._position, text=part["text"], logprobs=[])
        for index, annotation in enumerate(part["annotations"]):
            data = {**self._position, "annotation_index": index, "annotation": annotation}
            yield self.event("response.output_text.annotation.added", **data)
        yield self.event("response.content_part.done", **self._position, part=part)
        self._begin_again()
        self._texts += 1

    def _begin_again(self) -> None:
        self.item_id, self._piece = "", 0
        self._sent.clear()

    def _call(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        started = {**item, "status": "in_progress", "arguments": ""}
        yield self.event("response.output_item.added", output_index=self._index, item=started)
        position = {"item_id": item["id"], "output_index": self._index}
        yield self.event("response.function_call_arguments.delta", **position, delta=item["arguments"])
        done = {**position, "name": item["name"], "arguments": item["arguments"]}
        yield self.event("response.function_call_arguments.done", **done)
