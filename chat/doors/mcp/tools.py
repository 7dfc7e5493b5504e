"""Apps as tools: `ask_<slug>` sends a message to the App and returns its answer."""

from collections.abc import Mapping
from typing import Any

from apps_registry.support.text.visible_text import visible
from apps_registry.values import AppConfig

PREFIX = "ask_"
ABOUT = (
    "Send a message to the AI assistant {name} and get its answer. It keeps the conversation: to continue one, pass "
    "the session_id of an earlier answer."
)
INPUT: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "minLength": 1, "description": "What to say or to ask."},
        "session_id": {
            "type": "string",
            "description": "The session_id of an earlier answer, to continue that conversation. Without it, a new "
            "conversation begins.",
        },
    },
    "required": ["message"],
    "additionalProperties": False,
}
COMPLETED, INTERRUPTED, NEEDS_CONFIRMATION = "completed", "interrupted", "needs_confirmation"
OUTPUT: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "session_id": {"type": "string", "description": "The id of the conversation."},
        "status": {"type": "string", "enum": [COMPLETED, INTERRUPTED, NEEDS_CONFIRMATION]},
        "answer": {"type": "string"},
        "citations": {
            "type": "array",
            "description": "The passages of the assistant's documents that the answer cites.",
            "items": {
                "type": "object",
                "properties": {
                    "marker": {"type": "integer"},
                    "document": {"type": "string"},
                    "place": {"type": "string"},
                },
            },
        },
    },
    "required": ["session_id", "status", "answer", "citations"],
}


def tool_name(app: AppConfig) -> str:
    """Return the name of the tool that asks an App."""
    return f"{PREFIX}{app.slug}"


def _about(app: AppConfig, name: str) -> str:
    """Return what models choose by: first what the App is for, which is what differs, if its operator has said so."""
    return "\n\n".join(filter(None, (visible(app.description).strip(), ABOUT.format(name=name))))


def tool_of(app: AppConfig) -> dict[str, Any]:
    """Return the tool that asks an App, as `tools/list` describes it."""
    name = visible(app.name or app.slug)
    return {
        "name": tool_name(app),
        "title": name,
        "description": _about(app, name),
        "inputSchema": INPUT,
        "outputSchema": OUTPUT,
        # The server does not know what an App's tools may change, so clients must assume the worst.
        "annotations": {"title": name, "openWorldHint": True},
    }
