"""Server-sent events as they arrive, many at a time: https://html.spec.whatwg.org/multipage/server-sent-events.html.

Only `data` is of use to the chat completions protocol. Events that arrive together are handed on together: waiting
for each by itself costs more than reading it.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from chat.providers.base import ModelFailure

# A decoder without a limit would buffer a line without end.
LINE_MAX_BYTES = 1024 * 1024


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    """Yield the data of events, each time all that have arrived; comments that keep the connection open yield nothing.

    Raises:
        ModelFailure: a line is longer than LINE_MAX_BYTES.
    """
    rest = b""
    data: list[bytes] = []
    async for chunk in chunks:
        *lines, rest = _lines(rest + chunk)
        if len(rest) > LINE_MAX_BYTES:
            raise ModelFailure("The model sent a line without end.")
        if events := _take(lines, data):
            yield events
    # Servers that forget the empty line after their last event are understood too.
    if events := _take([rest, b""], data):
        yield events


def _lines(text: bytes) -> list[bytes]:
    """Return the lines, and last what may still be continued."""
    lines = text.splitlines(keepends=True)
    # A CR at the end may be half of a CRLF.
    last = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
    return [*(line.rstrip(b"\r\n") for line in lines), last]


def _take(lines: list[bytes], data: list[bytes]) -> list[bytes]:
    """Return the events that these lines complete; of the others the data is kept in `data`."""
    events = []
    for line in lines:
        if line.startswith(b"data:"):
            data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line and data:
            events.append(b"\n".join(data))
            data.clear()
    return events
