"""The events of a stream, numbered; see `stream.py` for what they follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.api.streams.following import sse


@dataclass(slots=True)
class Events:
    """Writes the events of one stream.

    Attributes:
        done: the ids of items that are complete.
        item_id: of the text that is streaming; empty without one.
    """

    done: set[str] = field(default_factory=set)
    item_id: str = ""
    _number: int = 0
    _index: int = 0
    _sent: list[str] = field(default_factory=list)

    def event(self, kind: str, **data: Any) -> bytes:
        """Return one event."""
        number = self._number
        self._number += 1
        return f"event: {kind}\n".encode() + sse({"type": kind, "sequence_number": number, **data})

    def delta(self, item_id: str, text: str) -> Iterator[bytes]:
        """Yield the events for a piece of a text, which begins with its first piece."""
        if not self.item_id:
            yield from self._begin(item_id)
        self._sent.append(text)
        yield self.event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def whole(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the events that are missing until an item is complete."""
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

    @property
    def _place(self) -> dict[str, Any]:
        return {"item_id": self.item_id, "output_index": self._index, "content_index": 0}

    def _begin(self, item_id: str) -> Iterator[bytes]:
        self.item_id = item_id
        item = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        yield self.event("response.output_item.added", output_index=self._index, item=item)
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        yield self.event("response.content_part.added", **self._place, part=part)

    def _end_text(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        (part,) = item["content"]
        sent = "".join(self._sent) if self.item_id == item["id"] else ""
        self.item_id = "" if not sent else self.item_id
        if rest := part["text"].removeprefix(sent):
            yield from self.delta(item["id"], rest)
        yield self.event("response.output_text.done", **self._place, text=part["text"], logprobs=[])
        for index, annotation in enumerate(part["annotations"]):
            data = {**self._place, "annotation_index": index, "annotation": annotation}
            yield self.event("response.output_text.annotation.added", **data)
        yield self.event("response.content_part.done", **self._place, part=part)
        self.item_id = ""
        self._sent.clear()

    def _call(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        started = {**item, "status": "in_progress", "arguments": ""}
        yield self.event("response.output_item.added", output_index=self._index, item=started)
        place = {"item_id": item["id"], "output_index": self._index}
        yield self.event("response.function_call_arguments.delta", **place, delta=item["arguments"])
        done = {**place, "name": item["name"], "arguments": item["arguments"]}
        yield self.event("response.function_call_arguments.done", **done)
