"""Messages in the form that clients see."""

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
    """Yield messages of a session with their citations of search results from earlier messages.

    Citations are derived from the messages alone, so that every worker always shows the same ones.

    Args:
        messages: all messages, from the session's first.
        start: the index of the first message to yield.
        streaming: the message that is still incomplete, if any.
    """
    for index in range(start, len(messages)):
        message = messages[index]
        search_results: list[str] = []
        if message.role == "agent" and ("[" in message.content or "【" in message.content):
            earlier_tools = (earlier for earlier in messages[:index] if earlier.role == "tool")
            search_results = [earlier.content for earlier in earlier_tools if earlier.tool_name == SEARCH]
        yield message_body(message, is_streaming=message is streaming, search_results=search_results)


def message_body(message: StoredMessage, *, is_streaming: bool = False, search_results: Sequence[str] = ()) -> Message:
    """Return a message as clients see it.

    Args:
        message: the message.
        is_streaming: whether it is still incomplete.
        search_results: the results of document searches that it may cite.
    """
    is_tool = message.role == "tool"
    return {
        "id": message.id,
        "sender": "agent" if is_tool else cast(Sender, message.role),
        "content": "" if is_tool else message.content,
        "timestamp": iso(message.created_at),
        "is_streaming": is_streaming,
        "tool_result": (message.tool_name, message.content) if is_tool else None,
        "citations": _citations(search_results, message.content) if search_results else [],
    }


def _citations(search_results: Sequence[str], text: str) -> list[Citation]:
    passages = cited(search_results, text)
    return [{"marker": passage.marker, "document": passage.document, "place": passage.place} for passage in passages]


def iso(time: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds, the format of JavaScript's toISOString()."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
