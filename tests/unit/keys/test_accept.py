"""Which Accept headers ask for an event stream."""

import pytest

from keys.http.streams import prefers_stream


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/json, text/event-stream", True),
        ("text/event-stream, */*", True),
        ("text/event-stream;q=0.5, */*;q=0.1", True),
        ("text/event-stream;q=0.5, application/json;q=0.5", True),
        ("text/event-stream;q=0.5, application/json;q=0, */*", True),
        ("text/event-stream;q=0, application/json", False),
        ("text/event-stream; q=0.0", False),
        ("text/event-stream;Q=0", False),
        ("text/event-stream;q=0.5, application/json", False),
        ("text/event-stream;q=0.5, application/*;q=0.6", False),
        ("text/event-stream;q=0.5, */*", False),
        ("text/*", False),
        ("*/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_a_stream_is_named_and_preferred(accept: str, is_stream: bool) -> None:
    assert prefers_stream(accept) is is_stream
