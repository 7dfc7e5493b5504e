"""What higher layers add to an App's page: its usage, its limits, and the prompt that its model gets."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from aomi_site.console.usage_panel import UsagePanel, usage_panel
from apps_registry.admin.additions import add_to
from apps_registry.models import App
from apps_registry.runtime.app_configs import draft_config
from chat.turns.standing_prompt import PromptPart, standing_prompt
from keys.limits.reading import standings
from keys.limits.values import app_subject
from keys.usage.daily import daily

TITLES = {
    "instructions": "Instructions of this App",
    "language": "Language of the replies",
    "results": "How to treat results of tools",
    "servers": "Instructions of MCP servers",
    "tools": "Tools, which requests send next to the messages",
}
# Parts of the prompt that only operators with one more permission may see.
PERMISSIONS = {"servers": "apps_registry.view_mcpserver", "tools": "apps_registry.view_tool"}


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of the prompt; the text is empty if the operator may not see it."""

    title: str
    tokens: int
    text: str


def overview(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the App's usage, for operators who may see usage."""
    return {"usage": _usage(request, app, in_full=False)} if may_see_usage(request) else {}


def usage(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the App's usage by day, and what is left of its limits."""
    return {"usage": _usage(request, app, in_full=True), "standings": standings(app_subject(app.pk))}


def prompt(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the prompt of the saved draft for its default model, with estimates of its tokens."""
    config = draft_config(app)
    model = config.models[0]
    parts = standing_prompt(config, model)
    tokens = sum(part.tokens for part in parts)
    reply = model.reply_reserve(config.sampling.max_reply_tokens)
    assembled = {
        "model": model.name,
        "parts": [_visible_part(request, part) for part in parts],
        "tokens": tokens,
        "window": model.context_window,
        "reply_tokens": reply,
        "history_tokens": max(0, min(config.history_budget_tokens, model.context_window - tokens - reply)),
    }
    return {"assembled": assembled}


def may_see_usage(request: HttpRequest) -> bool:
    """Tell whether an operator may see what Apps have used."""
    return request.user.has_perm("keys.view_usage")


def _usage(request: HttpRequest, app: App, *, in_full: bool) -> UsagePanel:
    turns_of, usage_of = {"app__id__exact": str(app.pk)}, urlencode({"app": app.slug, "by": "key"})
    return usage_panel(daily(app_id=app.pk), request.user, turns_of, usage_of=usage_of, in_full=in_full)


def _visible_part(request: HttpRequest, part: PromptPart) -> ShownPart:
    permission = PERMISSIONS.get(part.name)
    text = part.text if permission is None or request.user.has_perm(permission) else ""
    return ShownPart(TITLES[part.name], part.tokens, text)


add_to("app overview", overview)
add_to("app usage", usage)
add_to("app prompt", prompt)
