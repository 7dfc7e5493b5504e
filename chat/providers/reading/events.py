"""Parses server-sent events in batches: https://html.spec.whatwg.org/multipage/server-sent-events.html.

The chat completions protocol uses only `data`. Events that arrive together are returned together, because awaiting each
one costs more than parsing it.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterator

from chat.providers.base import ModelFailure
from chat.providers.reading.json_values import is_json

# A decoder without a limit would buffer a line, an event or a document without end.
LINE_MAX_BYTES = 1024 * 1024
DOCUMENT_MAX_BYTES = 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DONE = b"[DONE]"


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    """Yield the data of events in batches as they arrive; keep-alive comments yield nothing.

    Raises:
        ModelFailure: a line, an event or a document is too long.
    """
    decoder = EventDecoder()
    async for chunk in chunks:
        if events := decoder.feed(chunk):
            yield events
    if events := decoder.end():
        yield events


class EventDecoder:
    """Turns the bytes of one answer into the data of its events.

    Some servers answer a streaming request with one JSON document, which then counts as the only event.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._length = 0
        self._is_error = False
        self._has_begun = False
        self._document: list[bytes] | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the events that these bytes complete.

        Raises:
            ModelFailure: a line, an event or a document is too long.
        """
        if not self._has_begun:
            chunk = self._begin(chunk)
        if self._document is not None:
            self._extend_document(self._document, chunk)
            return []
        *lines, self._rest = _lines(self._rest + chunk)
        if len(self._rest) > LINE_MAX_BYTES:
            raise ModelFailure("The model sent a line that was too long.")
        return self._take(lines)

    def end(self) -> list[bytes]:
        """Return the events that the end of the answer completes.

        Some servers omit the empty line after the last event, so a complete last event counts without it. An incomplete
        one is ignored, as the standard requires.
        """
        if self._document is not None:
            return [b"".join(self._document)]
        return [event for event in self._take([self._rest, b""]) if event == DONE or is_json(event)]

    def _begin(self, chunk: bytes) -> bytes:
        """Return the bytes from the start of the answer; empty until the start is known."""
        head, self._rest = self._rest + chunk, b""
        text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
        if not text or BYTE_ORDER_MARK.startswith(text):
            self._rest = head[:LINE_MAX_BYTES]
            return b""
        self._has_begun = True
        if text[:1] == b"<":  # a gateway's error page or a login page: a retry or another model may succeed
            raise ModelFailure("The model's provider sent a page, which is not a chat completion.", is_transient=True)
        if text[:1] in b"{[":
            self._document = []
        return text

    def _extend_document(self, document: list[bytes], chunk: bytes) -> None:
        self._length += len(chunk)
        if self._length > DOCUMENT_MAX_BYTES:
            raise ModelFailure("The model sent a response that was too long.")
        document.append(chunk)

    def _take(self, lines: list[bytes]) -> list[bytes]:
        """Return the events that these lines complete; keep the data of an incomplete one."""
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if event := self._event():
                    events.append(event)
            elif line.startswith(b"event:"):
                self._is_error = line[6:].strip() == b"error"
            elif line.startswith(b"error:"):  # llama.cpp's server has a separate field for errors
                events.append(b'{"error":%b}' % line[6:])
        return events

    def _add(self, data: bytes) -> None:
        self._data.append(data)
        if len(self._data) > 1:
            self._length += len(data) + sys.getsizeof(b"")
            if self._length > LINE_MAX_BYTES:
                raise ModelFailure("The model sent an event that was too long.")

    def _event(self) -> bytes:
        """Return the event that an empty line completes; empty if it has no data."""
        if not self._data:
            self._is_error = False
            return b""
        event = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._length = 0
        event = event.strip()
        if self._is_error and event:
            event = b'{"error":%b}' % event
        self._is_error = False
        return event


def _lines(text: bytes) -> list[bytes]:
    """Return the complete lines, and last the incomplete rest."""
    lines = text.splitlines(keepends=True)
    # A CR at the end may be half of a CRLF.
    last = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
    return [*(line.rstrip(b"\r\n") for line in lines), last]
