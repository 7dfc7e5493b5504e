"""The numbers of a response's events: every worker splits a text into the same events."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pytest

from chat.doors.openai.responses.events import Events

FIRST = {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "It is 42.", "annotations": []}]}
CALL = {"id": "fc_1", "type": "function_call", "name": "f", "arguments": "{}"}
PIECES = [[2, 3, 4]]


def read(events: Iterable[bytes]) -> list[dict[str, Any]]:
    return [orjson.loads(event.split(b"data: ", 1)[1]) for event in events if event]


def whole(events: Events) -> Iterator[bytes]:
    """Return the events of a stream that begins after the turn has ended."""
    for item in (FIRST, CALL):
        yield from events.whole(item)
    yield events.last("response.completed")


def live(events: Events, texts: Sequence[str]) -> Iterator[bytes]:
    """Return the events of a stream of a running turn."""
    for text in texts:
        yield from events.delta("msg_1", text)
    yield from whole(events)


@pytest.mark.parametrize("texts", [["It", " is", " 42."], ["It is", " 42."], ["It"], ["It is 42."]])
def test_it_does_not_matter_when_a_stream_begins(texts: list[str]) -> None:
    events = read(whole(Events(pieces=PIECES)))
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == [
        "It",
        " is",
        " 42.",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert read(live(Events(pieces=PIECES), texts)) == events
    for after in range(-1, len(events)):
        assert read(live(Events(after, PIECES), texts)) == events[after + 1 :]


def test_the_last_event_comes_whatever_a_client_already_has() -> None:
    lost = read(whole(Events(40)))  # the worker that had the pieces has died
    assert [(event["type"], event["sequence_number"]) for event in lost] == [("response.completed", 41)]


def test_a_text_that_was_cut_off_within_a_piece_is_whole() -> None:
    events = read(whole(Events(pieces=[[2, 30]])))
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["It", " is 42."]
