"""A message as clients see it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

from apps_registry.retrieval.passages import cited
from apps_registry.retrieval.tool import NAME as SEARCH
from chat.wire.sessions import Citation, Message, Sender
from sessions_app.values import StoredMessage


def message_bodies(
    messages: Sequence[StoredMessage], start: int = 0, *, streaming: StoredMessage | None = None
) -> Iterator[Message]:
    """Yield messages of a session, each with what it cites of the documents found before it.

    Citations follow from the messages alone, so that every worker shows the same ones, now and later.

    Args:
        messages: from the session's first on.
        start: how many of them to leave out.
        streaming: the one that is not complete yet.
    """
    for place in range(start, len(messages)):
        message = messages[place]
        found: list[str] = []
        if message.role == "agent" and ("[" in message.content or "【" in message.content):
            found = [each.content for each in messages[:place] if each.role == "tool" and each.tool_name == SEARCH]
        yield message_body(message, is_streaming=message is streaming, found=found)


def message_body(message: StoredMessage, *, is_streaming: bool = False, found: Sequence[str] = ()) -> Message:
    """Return a message; `found` are the results of searches that it may cite."""
    is_tool = message.role == "tool"
    return {
        "id": message.id,
        "sender": "agent" if is_tool else cast(Sender, message.role),
        "content": "" if is_tool else message.content,
        "timestamp": iso(message.created_at),
        "is_streaming": is_streaming,
        "tool_result": (message.tool_name, message.content) if is_tool else None,
        "citations": _citations(found, message.content) if found else [],
    }


def _citations(found: Sequence[str], text: str) -> list[Citation]:
    return [{"marker": each.marker, "document": each.document, "place": each.place} for each in cited(found, text)]


def iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds, as JavaScript writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
