"""A message as clients see it."""

from datetime import UTC, datetime
from typing import Any

from sessions_app.values import StoredMessage


def message_body(message: StoredMessage, *, is_streaming: bool = False) -> dict[str, Any]:
    """Return a message."""
    is_tool = message.role == "tool"
    return {
        "id": message.id,
        "sender": "agent" if is_tool else message.role,
        "content": "" if is_tool else message.content,
        "timestamp": iso(message.created_at),
        "is_streaming": is_streaming,
        "tool_result": [message.tool_name, message.content] if is_tool else None,
    }


def iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds, as JavaScript writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
