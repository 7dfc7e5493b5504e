"""Checks a model with a small turn that uses the same code as the turns of Apps."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from apps_registry.provider_rules.request_rules import RequestRules
from apps_registry.tools.base import Tool, ToolContext
from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage, RoundEnded
from chat.issuers import Issuer
from chat.prompt.history import PromptMessage
from chat.providers.asking import client_of
from chat.providers.base import ChatModel, ModelDelta, ModelFailure
from chat.providers.openai_compatible import Connections
from chat.turns.running.engine import run_turn

PROMPT: tuple[ChatMessage, ...] = (
    {"role": "system", "content": "You are a helpful assistant. Be brief."},
    {"role": "user", "content": "Call the tool report_ready. If there is no tool, answer: ready."},
)


@dataclass(slots=True)
class ModelCheck:
    """The result of a check; times are in milliseconds and include the connection.

    Attributes:
        error: what went wrong, in our words; empty if the model answered.
        calls_tools: whether the model called the tool that it was offered; None if it was offered none.
        counts_tokens: whether the provider sent token counts.
        changes: changes to the request after refusals by the provider, one sentence each.
        learned: rules that made requests succeed; they apply to every request to the model.
    """

    error: str = ""
    first_token_ms: int | None = None
    total_ms: int = 0
    calls_tools: bool | None = None
    counts_tokens: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    changes: list[str] = field(default_factory=list)
    learned: list[RequestRules] = field(default_factory=list)


async def check_model(config: ModelConfig, sampling: Sampling) -> ModelCheck:
    """Call a model once, on separate connections, without retries and regardless of its circuit breaker."""
    check, started, connections = ModelCheck(), time.monotonic(), Connections()
    try:
        async with asyncio.timeout(settings.TURN_TIMEOUT_SECONDS):
            await _run_check(config, sampling, connections, check, started)
    except ModelFailure as failure:
        check.error = f"{failure} {failure.note}".strip()
    except TimeoutError:
        check.error = f"The model did not finish within {settings.TURN_TIMEOUT_SECONDS:g} s."
    finally:
        await connections.close()
    check.total_ms = _ms_since(started)
    return check


@dataclass(slots=True)
class _Timed:
    """Wraps a model and measures the time to its first token."""

    inner: ChatModel
    check: ModelCheck
    started: float

    @property
    def issuer(self) -> Issuer:
        """The wrapped model's issuer."""
        return self.inner.issuer

    async def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the model's chunks."""
        async with aclosing(self.inner.stream(messages, tools, allow_tool_calls=allow_tool_calls)) as deltas:
            async for delta in deltas:
                if self.check.first_token_ms is None and delta.is_token:
                    self.check.first_token_ms = _ms_since(self.started)
                yield delta


async def _run_check(
    config: ModelConfig, sampling: Sampling, connections: Connections, check: ModelCheck, started: float
) -> None:
    client = client_of(
        config,
        sampling,
        connections,
        on_change=lambda _config, _code, note: check.changes.append(note),
        on_learned=lambda _config, rules: check.learned.append(rules),
    )
    tools = [CHECK_TOOL] if config.supports_tools else []
    check.calls_tools = False if tools else None
    # One round of calls: the second request holds the tool's answer and forbids further calls.
    events = run_turn(_Timed(client, check, started), PROMPT, tools, ToolContext(), max_tool_rounds=1)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, RoundEnded):
                _record_round(event, check)
    check.counts_tokens = check.prompt_tokens is not None and check.completion_tokens is not None


def _record_round(event: RoundEnded, check: ModelCheck) -> None:
    if any(call.name == CHECK_TOOL.name for call in event.tool_calls):
        check.calls_tools = True
    if event.prompt_tokens is not None:
        check.prompt_tokens = (check.prompt_tokens or 0) + event.prompt_tokens
    if event.completion_tokens is not None:
        check.completion_tokens = (check.completion_tokens or 0) + event.completion_tokens


def _ms_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


async def _report_ready(_arguments: Mapping[str, Any], _context: ToolContext) -> str:
    return "ready"


CHECK_TOOL = Tool(
    "report_ready",
    "Reports that you are ready.",
    {"type": "object", "properties": {"note": {"type": "string"}}, "required": []},
    _report_ready,
)
