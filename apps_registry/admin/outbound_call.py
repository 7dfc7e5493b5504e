"""What else is stored about an outbound call: its tool, its conversation, and what the tool told the model."""

from typing import Any

from django.apps import apps
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps_registry.admin.display import NOTHING, linked
from apps_registry.models import OutboundCall, Tool
from apps_registry.tools.base import is_tool_error

ERRORS_SHOWN = 5
ERROR_CHARS = 1_000
# The part of a turn's results that is searched for errors.
RESULTS_READ = 50


def outcome(call: OutboundCall) -> SafeString:
    """Return how a call ended, in the colour of a failure if it failed."""
    return format_html('<span class="{}">{}</span>', "aomi-failure" if call.has_failed else "", call.outcome)


def tool_link(call: OutboundCall) -> SafeString | str:
    """Return a link to the tool that made a call; only its name if it is gone, or if an operator's action made it."""
    tool = Tool.objects.filter(app=call.app_id or 0, name=call.tool).first()
    return linked("admin:apps_registry_tool_change", tool.pk, tool.name) if tool else call.tool


def conversation_link(call: OutboundCall) -> SafeString | str:
    """Return a link to the conversation of a call's turn."""
    # This app must not import the one of sessions, so it looks the models up by name.
    turns: Any = apps.get_model("sessions_app", "Turn")._default_manager
    turn = turns.filter(pk=call.turn_id).values("session_id").first()
    if turn is None:
        return NOTHING
    return linked("admin:sessions_app_chatsession_change", turn["session_id"], turn["session_id"])


def errors_told(call: OutboundCall) -> SafeString:
    """Return the errors that the model got from this tool in the turn, each with a link to its place."""
    lines = []
    for message in _results(call):
        if is_tool_error(message["text"]):
            url = reverse("admin:sessions_app_chatsession_change", args=[message["session_id"]])
            position = message["position"]
            lines.append((message["text"], f"{url}?before={position + 1}#message-{position}"))
    shown = '<li><code class="aomi-code">{}</code> <a href="{}">In the conversation</a></li>'
    return format_html("<ul>{}</ul>", format_html_join("", shown, lines[:ERRORS_SHOWN])) if lines else NOTHING


def _results(call: OutboundCall) -> list[dict[str, Any]]:
    messages: Any = apps.get_model("sessions_app", "Message")._default_manager
    of_tool = messages.filter(turn_id=call.turn_id, role="tool", tool_name=call.tool).order_by("position")
    texts = of_tool.annotate(text=Left("content", ERROR_CHARS)).values("session_id", "position", "text")
    return list(texts[:RESULTS_READ])
