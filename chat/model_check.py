"""One small real call to a model, to see whether it works and what it can."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from apps_registry.tools.base import Tool, ToolContext
from apps_registry.values import ModelConfig, Sampling
from chat.asking import client_of
from chat.events import ChatMessage
from chat.providers.base import ModelFailure
from chat.providers.openai_compatible import Connections

QUESTION: ChatMessage = {"role": "user", "content": "Call the tool report_ready. If there is no tool, answer: ready."}
MAX_TOKENS = 256
TIMEOUT_SECONDS = 60.0


@dataclass(slots=True)
class ModelCheck:
    """What a call showed; times in milliseconds, connecting included.

    Attributes:
        error: what went wrong, in our words; empty when the model answered.
        calls_tools: whether it called the tool that it was offered; None when it was offered none.
        counts_tokens: whether the provider said how many tokens it took.
    """

    error: str = ""
    first_token_ms: int | None = None
    total_ms: int = 0
    calls_tools: bool | None = None
    counts_tokens: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


async def check_model(config: ModelConfig) -> ModelCheck:
    """Ask a model once, on connections of its own, without retries and past its circuit breaker."""
    check, began, through = ModelCheck(), time.monotonic(), Connections()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await _ask(config, through, check, began)
    except ModelFailure as failure:
        check.error = str(failure)
    except TimeoutError:
        check.error = "The model did not come to an end in time."
    finally:
        await through.close()
    check.total_ms = _since(began)
    return check


async def _ask(config: ModelConfig, through: Connections, check: ModelCheck, began: float) -> None:
    client = client_of(config, Sampling(max_reply_tokens=MAX_TOKENS), through)
    tools = [_TOOL] if config.supports_tools else []
    check.calls_tools = False if tools else None
    is_finished = False
    async with aclosing(client.stream([QUESTION], tools, allow_tool_calls=True)) as deltas:
        async for delta in deltas:
            if check.first_token_ms is None and delta.is_token:
                check.first_token_ms = _since(began)
            if tools and any(call.name == _TOOL.name for call in delta.tool_calls):
                check.calls_tools = True
            check.prompt_tokens = delta.prompt_tokens or check.prompt_tokens
            check.completion_tokens = delta.completion_tokens or check.completion_tokens
            is_finished = is_finished or bool(delta.finish_reason)
    check.counts_tokens = check.prompt_tokens is not None and check.completion_tokens is not None
    if not is_finished:
        raise ModelFailure("The model's answer broke off before its end.")


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


async def _report_ready(_arguments: Mapping[str, Any], _context: ToolContext) -> str:
    return "ready"


_TOOL = Tool("report_ready", "Reports that you are ready.", {"type": "object", "properties": {}}, _report_ready)
