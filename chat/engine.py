"""The turn: the model answers, its tool calls run, their results go back, until it answers in words.

An async generator of events that knows neither HTTP nor the database.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from apps_registry.outside_text import dump_storable, storable, storable_json_text
from apps_registry.tools.arguments import dump_arguments, read_arguments
from apps_registry.tools.base import Tool, ToolContext, ToolError
from apps_registry.visible_text import visible
from chat.events import (
    ConfirmationNeeded,
    RoundEnded,
    RoundToFinish,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnEvent,
)
from chat.history import PromptMessage, Said
from chat.issuers import Issuer, portable_id, size_of
from chat.providers.base import ChatModel, ModelDelta, ModelFailure
from chat.providers.reading.thoughts import split_unopened
from chat.providers.reading.tool_calls import AssembledCall, ToolCallAssembly
from chat.providers.reading.verbatim import REASONING_TEXTS, VERBATIM_MAX_BYTES, Verbatim

TOOL_RESULT_MAX_CHARS = 32_000
# More than this in one answer is a model out of hand; every further call reads as an error.
MAX_CALLS_PER_ROUND = 32
CALL_ID_MAX_CHARS = 100  # its column's; the provider that made it takes it back, and no other gets it
REPLY_MAX_CHARS = 1_000_000
REASONING_MAX_CHARS = 64_000
REPETITION = "(This call was made before in this turn, with the same result. Making it again changes nothing.)"


@dataclass(slots=True)
class _Answer:
    """One answer of the model while it streams in.

    Attributes:
        is_full: it has said as much as one reply may hold; the rest is not read.
    """

    text: list[str] = field(default_factory=list)
    length: int = 0
    reasoning: list[str] = field(default_factory=list)
    reasoning_length: int = 0
    calls: ToolCallAssembly = field(default_factory=ToolCallAssembly)
    verbatim: Verbatim | None = None
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    is_full: bool = False

    def take(self, delta: ModelDelta) -> str:
        """Add a chunk; return its text."""
        text = delta.text
        if text:
            self.length += len(text)
            if self.length > REPLY_MAX_CHARS:
                text = self._fill(text)
            self.text.append(text)
        for piece in delta.tool_calls:
            self.calls.take(piece)
        if delta.reasoning:
            self._take_reasoning(delta.reasoning)
        if delta.extra:
            self.verbatim = self.verbatim or Verbatim()
            self.verbatim.add(delta.extra)
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.prompt_tokens = delta.prompt_tokens or self.prompt_tokens
        self.completion_tokens = delta.completion_tokens or self.completion_tokens
        return text

    def ended(self, round_number: int, *, issuer: Issuer, turn: str) -> RoundEnded:
        """Return the whole answer; raises ModelFailure when the stream broke off."""
        if not self.finish_reason:
            raise ModelFailure("The model's answer broke off before its end.", is_transient=True)
        text, thought = split_unopened("".join(self.text))
        calls, extra = self._with_extras()
        ids = [call.call_id for call in calls]
        named = tuple(
            ToolCall(_own_id(ids, place, turn, round_number), call.name, storable_json_text(call.arguments), call.extra)
            for place, call in enumerate(calls)
        )
        if not text and not named:
            raise ModelFailure(self._says_nothing(thought))
        return RoundEnded(
            round_number,
            text,
            named,
            self.finish_reason,
            self.prompt_tokens,
            self.completion_tokens,
            issuer,
            extra,
            "".join(self.reasoning) + thought,
        )

    def _fill(self, text: str) -> str:
        """Return what of a text still fits, and end the answer with it: what was said is kept."""
        self.is_full, self.finish_reason = True, "length"
        return text[: REPLY_MAX_CHARS - (self.length - len(text))]

    def _take_reasoning(self, reasoning: str) -> None:
        if self.reasoning_length < REASONING_MAX_CHARS:
            self.reasoning.append(reasoning[: REASONING_MAX_CHARS - self.reasoning_length])
            self.reasoning_length += len(reasoning)

    def _with_extras(self) -> tuple[list[AssembledCall], dict[str, Any] | None]:
        """Return the calls and the message's unknown fields, together within the bound: the calls' come first."""
        left = VERBATIM_MAX_BYTES
        calls = []
        for call in self.calls.calls():
            size = size_of(call.extra)
            calls.append(call if size <= left else replace(call, extra=None))
            left -= size if size <= left else 0
        extra = self.verbatim.whole() if self.verbatim else None
        if extra and not calls:  # nobody wants plain reasoning back but next to calls, and it fills the prompt
            extra = {name: value for name, value in extra.items() if name not in REASONING_TEXTS}
        return calls, extra if extra and size_of(extra) <= left else None

    def _says_nothing(self, thought: str) -> str:
        said = "nothing but reasoning" if self.reasoning or thought else "nothing"
        return f"The model answered with {said} (finish reason: {self.finish_reason[:40]})."


async def run_turn(
    model: ChatModel,
    prompt: Sequence[PromptMessage],
    tools: Sequence[Tool],
    context: ToolContext,
    *,
    max_tool_rounds: int,
    earlier: Sequence[ToolResult] = (),
    resumed: RoundToFinish | None = None,
) -> AsyncGenerator[TurnEvent, None]:
    """Yield what happens until the model has answered, or until the user must confirm a call.

    Results of parallel calls come as they are there.

    Args:
        model: answers; its failures pass through.
        prompt: what it is told, the current message last.
        tools: what it may call.
        context: what tools may know of the caller.
        max_tool_rounds: after as many rounds of calls it must answer in words.
        earlier: what the turn's tools have answered before, when it goes on after a break; the prompt holds it.
        resumed: the round at which it was broken off; not in the prompt.

    Raises:
        ModelFailure: no complete answer.
    """
    calls = _Calls({tool.name: tool for tool in tools}, context, list(prompt), {_identity(each) for each in earlier})
    done = max((each.round_number for each in earlier), default=0)
    if resumed is not None:
        done = resumed.round_number
        async with aclosing(calls.finish(resumed, is_approved=True)) as results:
            async for result in results:
                yield result
    for round_number in range(done + 1, max(done, max_tool_rounds) + 2):
        answer = _Answer()
        may_call = round_number <= max_tool_rounds
        async with aclosing(model.stream(calls.messages, tools, allow_tool_calls=may_call)) as deltas:
            async for delta in deltas:
                if text := answer.take(delta):
                    yield TextDelta(text)
                if answer.is_full:
                    break
        ended = answer.ended(round_number, issuer=model.issuer, turn=str(context.turn_id))
        if ended.tool_calls and not may_call:
            raise ModelFailure(f"The model went on calling tools after {max_tool_rounds} rounds.")
        yield ended
        if not ended.tool_calls:
            return
        waiting = calls.to_confirm(ended.tool_calls)
        if waiting:
            made = calls.make(round_number, ended.tool_calls, skipping=waiting)
        else:
            round_ = RoundToFinish(round_number, ended.text, ended.tool_calls, {}, ended.issuer, ended.extra)
            made = calls.finish(round_)
        async with aclosing(made) as results:
            async for result in results:
                yield result
        if waiting:
            yield ConfirmationNeeded(waiting)
            return


@dataclass(slots=True)
class _Calls:
    """The tool calls of one turn.

    Attributes:
        messages: the prompt as it grows.
        seen: the calls made so far.
    """

    by_name: Mapping[str, Tool]
    context: ToolContext
    messages: list[PromptMessage]
    seen: set[tuple[str, str, str]]

    def to_confirm(self, calls: Sequence[ToolCall]) -> tuple[int, ...]:
        """Return the places of the calls that the user must approve; those that cannot be made are not among them."""
        return tuple(place for place, call in enumerate(calls[:MAX_CALLS_PER_ROUND]) if self._is_to_confirm(call))

    async def finish(self, round_: RoundToFinish, *, is_approved: bool = False) -> AsyncGenerator[ToolResult, None]:
        """Make the calls that have no result yet, and tell the model of all of them in call order."""
        results = dict(round_.results)
        known = tuple(results)
        making = self.make(round_.round_number, round_.calls, skipping=known, is_approved=is_approved)
        async with aclosing(making) as answered:
            async for result in answered:
                results[result.place] = result.result
                yield result
        self.messages.append(self._said(round_, results))

    def _said(self, round_: RoundToFinish, results: Mapping[int, str]) -> Said:
        number = round_.round_number
        notes = {
            place: self._repetition(ToolResult(number, call, results[place], place))
            for place, call in enumerate(round_.calls)
        }
        return Said(
            str(self.context.turn_id),
            number,
            round_.text,
            round_.calls,
            tuple(results[place] for place in range(len(round_.calls))),
            notes,
            round_.issuer,
            round_.extra,
        )

    async def make(
        self, round_number: int, calls: Sequence[ToolCall], *, skipping: Collection[int], is_approved: bool = False
    ) -> AsyncGenerator[ToolResult, None]:
        """Make calls at once; yield each result when it is there, so that a slow call holds up no other."""
        places = {
            asyncio.create_task(self._make(call, place, is_approved=is_approved), name=f"tool-{call.name[:40]}"): place
            for place, call in enumerate(calls)
            if place not in skipping
        }
        waiting = set(places)
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=places.__getitem__):
                    place = places[task]
                    yield ToolResult(round_number, calls[place], task.result(), place)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _make(self, call: ToolCall, place: int, *, is_approved: bool) -> str:
        """Return a tool's result as text; whatever goes wrong becomes a result that the model can act on."""
        try:
            if place >= MAX_CALLS_PER_ROUND:
                raise ToolError(f"only {MAX_CALLS_PER_ROUND} calls are made at once")
            tool = self.by_name.get(call.name)
            if tool is None:
                raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(self.by_name) or 'none'}")
            arguments = read_arguments(call.arguments)
            if tool.needs_confirmation and not is_approved:
                tool.checked(arguments)  # it is here because this fails
                raise ToolError("the user has not approved this call")
            data = await tool.run(arguments, self.context)
            result = storable(data) if isinstance(data, str) else dump_storable(data)
        except TimeoutError:
            result = _error("the tool did not answer in time")
        except ToolError as error:
            result = _error(str(error))
        except Exception as error:  # a tool's own bug must not end the turn; its text may hold anything
            result = _error(f"the tool failed ({type(error).__name__})")
        if len(result) <= TOOL_RESULT_MAX_CHARS:
            return visible(result)
        return visible(result[:TOOL_RESULT_MAX_CHARS]) + f"… (cut; {len(result)} characters in all)"

    def _is_to_confirm(self, call: ToolCall) -> bool:
        tool = self.by_name.get(call.name)
        if tool is None or not tool.needs_confirmation:
            return False
        try:
            tool.checked(read_arguments(call.arguments))
        except Exception:
            return False
        return True

    def _repetition(self, result: ToolResult) -> str:
        """Return a note for the model when it has made this very call in this turn before, with this very result."""
        identity = _identity(result)
        if identity in self.seen:
            return REPETITION
        self.seen.add(identity)
        return ""


def _identity(result: ToolResult) -> tuple[str, str, str]:
    """Return what tells a call and its result from others, however its arguments are written."""
    call = result.call
    try:
        return call.name, dump_arguments(read_arguments(call.arguments)), result.result
    except ToolError:
        return call.name, call.arguments, result.result


def _own_id(ids: Sequence[str], place: int, turn: str, round_number: int) -> str:
    """Return a call's id; the model's own, unless it gave none, a long one, or that of an earlier call of the round."""
    own = ids[place]
    is_usable = 0 < len(own) <= CALL_ID_MAX_CHARS and own not in ids[:place]
    return own if is_usable else portable_id(f"{turn} {round_number} {place}")


def _error(message: str) -> str:
    return orjson.dumps({"error": message}).decode()
