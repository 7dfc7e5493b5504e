"""Retries a model that fails before its first token, within a small budget."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from apps_registry.tools.base import Tool
from chat.issuers import Issuer
from chat.prompt.history import PromptMessage
from chat.providers.base import ChatModel, ModelDelta, ModelFailure

MAX_RETRIES = 2
BUDGET_SECONDS = 20.0
BACKOFF_SECONDS = (0.5, 1.5)


class RetryingModel:
    """Retries transient failures of a model; never after the first token, which callers have already received."""

    def __init__(self, inner: ChatModel) -> None:
        self._inner = inner

    @property
    def issuer(self) -> Issuer:
        """The wrapped model's issuer."""
        return self._inner.issuer

    async def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks; raises the last ModelFailure when the budget is exhausted."""
        deadline = time.monotonic() + BUDGET_SECONDS
        for attempt in range(MAX_RETRIES + 1):
            has_begun = False
            try:
                async with aclosing(self._inner.stream(messages, tools, allow_tool_calls=allow_tool_calls)) as deltas:
                    async for delta in deltas:
                        has_begun = has_begun or delta.is_token
                        yield delta
                return
            except ModelFailure as failure:
                if has_begun or not failure.is_transient or attempt == MAX_RETRIES:
                    raise
                delay = BACKOFF_SECONDS[attempt] if failure.retry_after is None else failure.retry_after
                if time.monotonic() + delay > deadline:
                    raise
            await asyncio.sleep(delay)
