"""The turn: the model answers, its tool calls run, their results go back, until it answers in words.

An async generator of events that knows neither HTTP nor the database.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import orjson

from apps_registry.tools.base import Tool, ToolContext, ToolError
from chat.events import ChatMessage, RoundEnded, TextDelta, ToolCall, ToolResult, TurnEvent
from chat.history import assistant_message, tool_message
from chat.providers.base import ChatModel, ModelDelta, ModelFailure

TOOL_TIMEOUT_SECONDS = 15.0
TOOL_RESULT_MAX_CHARS = 32_000
# More than this in one answer is a model out of hand; every further call reads as an error.
MAX_CALLS_PER_ROUND = 32
ARGUMENTS_MAX_CHARS = 64_000
REPLY_MAX_CHARS = 1_000_000


@dataclass(slots=True)
class _Answer:
    """One answer of the model while it streams in."""

    text: list[str] = field(default_factory=list)
    length: int = 0
    calls: dict[int, ToolCall] = field(default_factory=dict)
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def take(self, delta: ModelDelta) -> str:
        """Add a chunk; return its text as it can be stored."""
        text = storable(delta.text)
        if text:
            self.text.append(text)
            self.length += len(text)
            if self.length > REPLY_MAX_CHARS:
                raise ModelFailure("The model wrote without end.")
        for piece in delta.tool_calls:
            known = self.calls.get(piece.index, ToolCall("", "", ""))
            arguments = known.arguments + piece.arguments
            if len(arguments) > ARGUMENTS_MAX_CHARS:
                raise ModelFailure("The model wrote tool arguments without end.")
            self.calls[piece.index] = ToolCall(piece.call_id or known.call_id, piece.name or known.name, arguments)
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.prompt_tokens = delta.prompt_tokens or self.prompt_tokens
        self.completion_tokens = delta.completion_tokens or self.completion_tokens
        return text

    def ended(self, round_number: int) -> RoundEnded:
        """Return the whole answer; raises ModelFailure when the stream broke off."""
        if not self.finish_reason:
            raise ModelFailure("The model's answer broke off before its end.", is_transient=True)
        calls = [self.calls[index] for index in sorted(self.calls)]
        named = tuple(
            ToolCall(*map(storable, (call.call_id or f"call_{round_number}_{number}", call.name, call.arguments)))
            for number, call in enumerate(calls)
        )
        text = "".join(self.text)
        if not text and not named:
            raise ModelFailure(f"The model answered with nothing (finish reason: {self.finish_reason[:40]}).")
        return RoundEnded(round_number, text, named, self.finish_reason, self.prompt_tokens, self.completion_tokens)


async def run_turn(
    model: ChatModel,
    prompt: Sequence[ChatMessage],
    tools: Sequence[Tool],
    context: ToolContext,
    *,
    max_tool_rounds: int,
) -> AsyncGenerator[TurnEvent, None]:
    """Yield what happens until the model has answered.

    Args:
        model: answers; its failures pass through.
        prompt: what it is told, the current message last.
        tools: what it may call.
        context: what tools may know of the caller.
        max_tool_rounds: after as many rounds of calls it must answer in words.

    Raises:
        ModelFailure: no complete answer.
    """
    messages = list(prompt)
    by_name = {tool.name: tool for tool in tools}
    for round_number in range(1, max_tool_rounds + 2):
        answer = _Answer()
        may_call = round_number <= max_tool_rounds
        async with aclosing(model.stream(messages, tools, allow_tool_calls=may_call)) as deltas:
            async for delta in deltas:
                if text := answer.take(delta):
                    yield TextDelta(text)
        ended = answer.ended(round_number)
        if ended.tool_calls and not may_call:
            raise ModelFailure(f"The model went on calling tools after {max_tool_rounds} rounds.")
        yield ended
        if not ended.tool_calls:
            return
        messages.append(assistant_message(ended.text, ended.tool_calls))
        results = await asyncio.gather(*(_call(call, n, by_name, context) for n, call in enumerate(ended.tool_calls)))
        for call, result in zip(ended.tool_calls, results, strict=True):
            messages.append(tool_message(call.call_id, result))
            yield ToolResult(round_number, call, result)


def storable(text: str) -> str:
    """Return a model's text without what Postgres cannot hold, NUL and lone surrogates; its JSON can spell both."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


async def _call(call: ToolCall, number: int, by_name: Mapping[str, Tool], context: ToolContext) -> str:
    """Return a tool's result as text; whatever goes wrong becomes a result that the model can act on."""
    try:
        if number >= MAX_CALLS_PER_ROUND:
            raise ToolError(f"only {MAX_CALLS_PER_ROUND} calls are made at once")
        tool = by_name.get(call.name)
        if tool is None:
            raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(by_name) or 'none'}")
        async with asyncio.timeout(TOOL_TIMEOUT_SECONDS):
            # Built-in tools are quick, but quick is not instant: the loop serves every other caller too.
            data = await asyncio.to_thread(tool.call, _arguments(call), context)
            if isawaitable(data):  # a tool that waits for others does so on the loop
                data = await data
        result = orjson.dumps(data, default=str).decode()
    except TimeoutError:
        result = _error(f"the tool did not answer within {TOOL_TIMEOUT_SECONDS:g} seconds")
    except ToolError as error:
        result = _error(str(error))
    except Exception as error:  # a tool's own bug must not end the turn; its text may hold anything
        result = _error(f"the tool failed ({type(error).__name__})")
    if len(result) > TOOL_RESULT_MAX_CHARS:
        result = result[:TOOL_RESULT_MAX_CHARS] + f"… (cut; {len(result)} characters in all)"
    return result


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        raise ToolError(f"the arguments are not valid JSON: {error}") from None
    if not isinstance(arguments, dict):
        raise ToolError("the arguments are not a JSON object")
    return arguments


def _error(message: str) -> str:
    return orjson.dumps({"error": message}).decode()
