"""Builds the body of a request by the rules of its provider, and changes it when the provider refuses it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from apps_registry.provider_rules.request_rules import MAX_TOKENS, RequestRules
from apps_registry.tools.base import Tool
from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.mending import LIMIT_FIELDS, Remedy, find_remedy, omission

# How often requests to one model are changed in a turn, each time for another reason.
MAX_MENDS = 6
BYTES_PER_TOKEN = 3.5  # as in chat/prompt/history.py
# The smallest share of the window to request for an answer, as 1/n: the prompt's size is only an estimate.
FULL_WINDOW_PART = 8

Report = Callable[[ModelConfig, str, str], None]
Learn = Callable[[ModelConfig, RequestRules], None]
# A request's body, and the status of its answer; 0: there was no answer.
Sent = Callable[[ModelConfig, bytes, int], None]


def ignore_change(_config: ModelConfig, _code: str, _note: str) -> None:
    """Ignore a change of a request."""


def ignore_rules(_config: ModelConfig, _rules: RequestRules) -> None:
    """Ignore learned rules."""


@dataclass(slots=True)
class Requests:
    """The requests of one turn to one model.

    Attributes:
        config: the model.
        sampling: the sampling parameters.
        on_change: called with a code and a sentence for operators when a request is changed.
        on_learned: called with rules that worked and apply to every request to the model.
    """

    config: ModelConfig
    sampling: Sampling
    on_change: Report = ignore_change
    on_learned: Learn = ignore_rules
    _rules: RequestRules = field(init=False)
    _to_learn: RequestRules = field(default_factory=RequestRules)
    _left_out: set[str] = field(default_factory=set)
    _tried: set[str] = field(default_factory=set)
    _sent: dict[str, Any] = field(default_factory=dict)
    _tools: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Start with the model's stored rules."""
        self._rules = self.config.rules

    def body(self, messages: Sequence[ChatMessage], tools: Sequence[Tool], *, allow_tool_calls: bool) -> bytes:
        messages_json = _dump(list(messages))
        offered = self._offered(tools)
        schemas = _dump([tool_schema(tool, self.config) for tool in offered]) if offered else b""
        options = {name: value for name, value in self.config.options.items() if name not in LIMIT_FIELDS}
        fields: dict[str, Any] = {
            **options,
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "response_format": self.sampling.response_format,
            MAX_TOKENS: self._limit(len(messages_json) + len(schemas)),
            "stream_options": {"include_usage": True},
        }
        if not allow_tool_calls and offered:
            fields["tool_choice"] = "none"
        body = self._by_rules(fields)
        body |= {"model": self.config.provider_model_id, "messages": orjson.Fragment(messages_json), "stream": True}
        if offered:
            body["tools"] = orjson.Fragment(schemas)
        self._sent, self._tools = body, tuple(tool.name for tool in offered)
        return _dump(body)

    def mend(self, status: int, error: bytes) -> bool:
        """Change later requests according to a refusal, and return whether to send another one.

        Args:
            status: the status of the refusal.
            error: its body, perhaps truncated.
        """
        remedy = find_remedy(status, error, self._sent, self._tools)
        if remedy is not None and remedy.code == "field_renamed" and repr(remedy) in self._tried:
            remedy = omission(MAX_TOKENS)  # the provider refuses both names
        if remedy is None or len(self._tried) >= MAX_MENDS or repr(remedy) in self._tried:
            return False
        self._tried.add(repr(remedy))
        self._apply(remedy)
        self.on_change(self.config, remedy.code, remedy.note)
        return True

    def taken(self) -> None:
        """Report the learned rules, because the provider has accepted a request."""
        if self._to_learn != RequestRules():
            self.on_learned(self.config, self._to_learn)
            self._to_learn = RequestRules()

    def _apply(self, remedy: Remedy) -> None:
        self._left_out |= set(remedy.tools)
        for rules in (remedy.rules, remedy.changes):
            if rules is not None:
                self._rules = rules.over(self._rules)
        if remedy.rules is not None:
            self._to_learn = remedy.rules.over(self._to_learn)

    def _offered(self, tools: Sequence[Tool]) -> list[Tool]:
        """Return the tools to offer; report each tool that the provider is known to refuse once."""
        if not self.config.supports_tools:
            return []
        unfit = self.config.unfit_tools
        for tool in tools:
            if tool.name in unfit and tool.name not in self._left_out:
                self._left_out.add(tool.name)
                self.on_change(self.config, "tool_left_out", f"{tool.name}: {unfit[tool.name]}.")
        return [tool for tool in tools if tool.name not in self._left_out]

    def _limit(self, prompt_bytes: int) -> int:
        """Return the token limit of the answer: the configured limit, or what the prompt leaves of the window."""
        limits = replace(self.config, rules=self._rules) if self._rules is not self.config.rules else self.config
        limit = reply_limit(limits, self.sampling)
        window = self.config.context_window
        left = window - int(prompt_bytes / BYTES_PER_TOKEN)
        return max(1, min(limit, max(left, window // FULL_WINDOW_PART)))

    def _by_rules(self, fields: dict[str, Any]) -> dict[str, Any]:
        named = ((self._rules.sent_name(name), value) for name, value in fields.items() if value is not None)
        return {name: value for name, value in named if name}


def reply_limit(config: ModelConfig, sampling: Sampling) -> int:
    """Return the highest token limit that a request to a model names for the answer."""
    option_limit = next((config.options[name] for name in LIMIT_FIELDS if config.options.get(name)), None)
    return config.output_limit(sampling.max_reply_tokens or option_limit)


def reply_bound(config: ModelConfig, sampling: Sampling) -> int:
    """Return the maximum tokens of an answer: the request's limit, or the window if the provider takes no limit."""
    return reply_limit(config, sampling) if config.rules.sent_name(MAX_TOKENS) else config.context_window


def tool_schema(tool: Tool, config: ModelConfig) -> dict[str, Any]:
    """Return a tool as a request declares it for a model."""
    parameters = config.schemas.get(tool.name, tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _dump(data: Any) -> bytes:
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError:  # a lone surrogate
        return json.dumps(data).encode()
