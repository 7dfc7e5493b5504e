"""The part of an App's prompts that is the same for every user, for the pages of operators."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from apps_registry.values import AppConfig, ModelConfig
from chat.prompt.about_servers import about_servers
from chat.prompt.fence import ABOUT_TOOLS
from chat.prompt.history import estimate_tokens
from chat.providers.requests import tool_schema
from chat.turns.running.prompting import language_rule


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of the prompt.

    Attributes:
        name: "instructions", "language", "results", "servers" or "tools".
        text: the text that the model gets; for tools the JSON, which requests contain outside of the messages.
        tokens: an estimate by length.
    """

    name: str
    text: str
    tokens: int


def standing_prompt(app: AppConfig, model: ModelConfig) -> list[PromptPart]:
    """Return what a model gets in every turn of an App before the conversation, in this order.

    `system_prompt` and `prompt_for` of chat/turns/running/prompting.py add what they know about the user and the
    caller.

    Args:
        app: the App.
        model: one of its models.
    """
    calls_tools = bool(app.tools) and model.supports_tools
    texts = {"instructions": app.preamble, "language": language_rule(app.reply_language)}
    if calls_tools:
        texts |= {"results": ABOUT_TOOLS, "servers": about_servers(app.server_notes)}
    parts = [PromptPart(name, text, estimate_tokens(text)) for name, text in texts.items() if text]
    return [*parts, *_tools(app, model)] if calls_tools else parts


def _tools(app: AppConfig, model: ModelConfig) -> Iterator[PromptPart]:
    offered = [tool_schema(tool, model) for tool in app.tools if tool.name not in model.unfit_tools]
    if offered:
        sent, shown = orjson.dumps(offered), orjson.dumps(offered, option=orjson.OPT_INDENT_2)
        yield PromptPart("tools", shown.decode(), estimate_tokens(sent.decode()))
