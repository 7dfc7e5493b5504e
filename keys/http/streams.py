"""Which requests are answered by an event stream, and their slots among the open streams."""

from django.http import HttpRequest
from django.http.request import MediaType

from apps_registry.support.http.paths import API_PREFIX, MCP_PATH, OPENAI_PREFIX
from apps_registry.support.http.request_notes import note_refusal
from keys.callers import Caller
from keys.guards.streams import StreamLease, streams
from keys.http.overloaded import Overloaded

UPDATES_PATH = f"{API_PREFIX}updates"
EVENT_STREAM = "text/event-stream"
JSON_RANGES = ("application/json", "application/*", "*/*")  # the most specific one that a client names counts
# The key in a request's META of its slot among the open streams.
LEASE = "aomi.stream"


def asks_for_stream(request: HttpRequest) -> bool:
    """Whether the response may stay open until the client closes it."""
    # MCP clients accept streams with every message, and OpenAI's clients ask for one in the body or the query string,
    # so it is only known later which of these requests get a stream.
    if request.method == "HEAD" or request.path.startswith((MCP_PATH, OPENAI_PREFIX)):
        return False
    return request.path == UPDATES_PATH or prefers_stream(request.headers.get("Accept", ""))


def prefers_stream(accept: str) -> bool:
    """Return whether an Accept header names event streams, and prefers JSON no more than them (RFC 9110, 12.5.1).

    A wildcard asks for no stream: it is what clients send that have no preference.
    """
    accept = accept.lower()
    if EVENT_STREAM not in accept:
        return False
    if "q=" not in accept:
        return True
    kinds = [MediaType(media_range) for media_range in accept.split(",") if media_range.strip()]
    qualities = {f"{kind.main_type}/{kind.sub_type}": kind.quality for kind in kinds}
    stream = qualities.get(EVENT_STREAM, 0)
    return stream > 0 and stream >= next((qualities[kind] for kind in JSON_RANGES if kind in qualities), 0)


def count_stream(request: HttpRequest, caller: Caller, *, is_asked: bool = False) -> None:
    """Count the request's stream for its caller, if it asks for one.

    Args:
        request: the request.
        caller: its caller.
        is_asked: whether the caller of this function has just found out that the body asks for a stream.

    Raises:
        CallerLimit: the caller has too many open streams.
        Overloaded: the worker has too many. If the headers of a request ask for a stream, this was checked before.
    """
    lease = request.META.get(LEASE)
    if isinstance(lease, StreamLease) and asks_for_stream(request) is not is_asked:
        if is_asked and streams.are_full:
            note_refusal("streams_of_worker")
            raise Overloaded
        streams.take(lease, caller)
