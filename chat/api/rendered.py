"""Caches the JSON of messages between snapshots, so that a long history is rendered once."""

from dataclasses import dataclass
from uuid import UUID

import orjson
from cachetools import LRUCache

from chat.turns.output.message_body import message_bodies
from sessions_app.values import Session

TOTAL_BYTES = 64 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 300


@dataclass(frozen=True, slots=True)
class _Rendered:
    """The rendered first messages of a session.

    Attributes:
        count: the number of messages.
        last_id: the id of the last of them.
        json: the JSON objects, separated by commas.
    """

    count: int
    last_id: UUID | None
    json: bytes


NOTHING = _Rendered(0, None, b"")


class RenderedMessages:
    """A cache of rendered messages, bounded by bytes. Messages are appended, so a prefix stays valid.

    If one of them is deleted, the last message of the prefix has another place."""

    def __init__(self) -> None:
        self._known: LRUCache[UUID, _Rendered] = LRUCache(
            TOTAL_BYTES, getsizeof=lambda rendered: ENTRY_OVERHEAD_BYTES + len(rendered.json)
        )

    def of(self, session: Session) -> bytes:
        """Return the JSON objects of the session's messages, separated by commas."""
        messages, known = session.messages, self._known.get(session.id, NOTHING)
        if known.count > len(messages) or (known.count and messages[known.count - 1].id != known.last_id):
            known = NOTHING  # another copy of the session, or another session of the same id
        if len(messages) > known.count:
            pieces = [known.json] if known.count else []
            json = b",".join([*pieces, *map(orjson.dumps, message_bodies(messages, known.count))])
            known = _Rendered(len(messages), messages[-1].id, json)
            if len(json) < TOTAL_BYTES // 4:
                self._known[session.id] = known
        return known.json


rendered = RenderedMessages()
