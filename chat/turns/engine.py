"""The turn: the model answers, its tool calls run, their results go back, until it answers in words.

An async generator of events that knows neither HTTP nor the database.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import orjson

from apps_registry.support.outside_text import dump_storable, storable
from apps_registry.support.visible_text import visible
from apps_registry.tools.arguments import dump_arguments, read_arguments
from apps_registry.tools.base import Tool, ToolContext, ToolError
from chat.events import (
    QuestionsOpen,
    RoundToFinish,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnEvent,
)
from chat.prompt.history import PromptMessage, Said
from chat.providers.base import ChatModel, ModelFailure
from chat.turns.answer import Answer
from sessions_app.questions import QuestionKind

TOOL_RESULT_MAX_CHARS = 32_000
# More than this in one answer is a model out of hand; every further call reads as an error.
MAX_CALLS_PER_ROUND = 32
REPETITION = "(This call was made before in this turn, with the same result. Making it again changes nothing.)"


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
    """Yield what happens until the model has answered, or until the client has questions to answer.

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
        answer = Answer()
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
        questions = calls.questions(ended.tool_calls)
        if questions:
            made = calls.make(round_number, ended.tool_calls, skipping=questions)
        else:
            round_ = RoundToFinish(round_number, ended.text, ended.tool_calls, {}, ended.issuer, ended.extra)
            made = calls.finish(round_)
        async with aclosing(made) as results:
            async for result in results:
                yield result
        if questions:
            yield QuestionsOpen(questions)
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

    def questions(self, calls: Sequence[ToolCall]) -> dict[int, QuestionKind]:
        """Return what the client is to be asked, by the number of the call; nothing about calls that cannot be made."""
        confirmed = (number for number, call in enumerate(calls[:MAX_CALLS_PER_ROUND]) if self._is_to_confirm(call))
        return dict.fromkeys(confirmed, QuestionKind.CONFIRM_TOOL)

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


def _error(message: str) -> str:
    return orjson.dumps({"error": message}).decode()
