"""The kinds of messages that workers exchange about sessions; readers of a session never get them."""

from enum import StrEnum


class WorkerMessage(StrEnum):
    """A kind of message between workers.

    The values go over the bus, where workers of two versions may meet: they must never change. The leading underscore
    marks an event as one for workers only.
    """

    READER_JOINED = "_wanted"
    STREAM_ENDED = "_unread"
    INTERESTS = "_all_wanted"  # every session that the sender has readers for
    REQUEST_INTERESTS = "_who"
    REQUEST_REPLAY = "_replay"
    REPLAY = "_replayed"
    REQUEST_PARTIAL = "_what_so_far"
    PARTIAL = "_partial"  # what the owner of a turn has announced of the reply so far
    INTERRUPT_TURN = "_interrupt"
    SESSION_DELETED = "_deleted"
    CANCEL_CALL = "_cancel_call"  # a client of MCP cancels a request; the session id is the request's name
