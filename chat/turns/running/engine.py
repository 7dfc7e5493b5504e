"""The turn loop: call the model, run its tool calls, send the results back, until it answers with text.

An async generator of events, independent of HTTP and the database.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import orjson

from apps_registry.support.text.outside_text import dump_storable, storable
from apps_registry.tools.arguments import dump_arguments, read_arguments
from apps_registry.tools.base import Tool, ToolContext, ToolError
from chat.events import (
    AskedCall,
    QuestionsOpen,
    RoundToFinish,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnEvent,
)
from chat.prompt.history import AssistantMessage, PromptMessage
from chat.providers.base import ChatModel, ModelFailure
from chat.turns.output.results import visible_result
from chat.turns.running.answer import Answer
from sessions_app.questions import QuestionKind

# More calls in one answer mean that the model is malfunctioning; the further ones return an error.
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
    """Yield events until the model has answered, or until the turn must wait for the client's answers.

    Results of parallel calls arrive in any order.

    Args:
        model: the model; its failures propagate.
        prompt: the prompt, with the current message last.
        tools: the tools that the model may call.
        context: what tools may know about the caller.
        max_tool_rounds: after this many rounds of calls the model must answer with text.
        earlier: results of the turn's earlier rounds, if it resumes or is retried; the prompt contains them.
        resumed: the round at which the turn paused; not in the prompt.

    Raises:
        ModelFailure: there is no complete answer.
    """
    identities = {_identity(result) for result in earlier}
    calls = _Calls({tool.name: tool for tool in tools}, context, list(prompt), identities)
    last_round = max((result.round_number for result in earlier), default=0)
    if resumed is not None:
        last_round = resumed.round_number
        async with aclosing(calls.finish(resumed, is_approved=True)) as results:
            async for result in results:
                yield result
    for round_number in range(last_round + 1, max(last_round, max_tool_rounds) + 2):
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
            raise ModelFailure(f"The model kept calling tools after {max_tool_rounds} rounds.")
        yield ended
        if not ended.tool_calls:
            return
        questions = calls.questions(ended.tool_calls)
        if questions:
            result_stream = calls.make(round_number, ended.tool_calls, skipping=questions)
        else:
            round_ = RoundToFinish(round_number, ended.text, ended.tool_calls, {}, ended.issuer, ended.extra)
            result_stream = calls.finish(round_)
        async with aclosing(result_stream) as results:
            async for result in results:
                yield result
        if questions:
            yield QuestionsOpen(questions)
            return


@dataclass(slots=True)
class _Calls:
    """The tool calls of one turn.

    Attributes:
        messages: the prompt, which grows with each round.
        seen: the calls made so far, with their results.
    """

    by_name: Mapping[str, Tool]
    context: ToolContext
    messages: list[PromptMessage]
    seen: set[tuple[str, str, str]]

    def questions(self, calls: Sequence[ToolCall]) -> dict[int, AskedCall]:
        """Return the questions to the client by the call's index; calls that would fail anyway need none."""
        asked = ((index, self._question(call)) for index, call in enumerate(calls[:MAX_CALLS_PER_ROUND]))
        return {index: question for index, question in asked if question is not None}

    async def finish(self, round_: RoundToFinish, *, is_approved: bool = False) -> AsyncGenerator[ToolResult, None]:
        """Make the calls that have no result yet, then add all calls to the prompt in call order."""
        results = dict(round_.results)
        finished = tuple(results)
        result_stream = self.make(round_.round_number, round_.calls, skipping=finished, is_approved=is_approved)
        async with aclosing(result_stream) as new_results:
            async for result in new_results:
                results[result.place] = result.result
                yield result
        self.messages.append(self._round_message(round_, results))

    def _round_message(self, round_: RoundToFinish, results: Mapping[int, str]) -> AssistantMessage:
        number = round_.round_number
        notes = {
            index: self._repetition(ToolResult(number, call, results[index], index))
            for index, call in enumerate(round_.calls)
        }
        return AssistantMessage(
            str(self.context.turn_id),
            number,
            round_.text,
            round_.calls,
            tuple(results[index] for index in range(len(round_.calls))),
            notes,
            round_.issuer,
            round_.extra,
        )

    async def make(
        self, round_number: int, calls: Sequence[ToolCall], *, skipping: Collection[int], is_approved: bool = False
    ) -> AsyncGenerator[ToolResult, None]:
        """Make calls concurrently and yield each result when it arrives, so that a slow call delays no other."""
        indexes = {
            asyncio.create_task(self._make(call, index, is_approved=is_approved), name=f"tool-{call.name[:40]}"): index
            for index, call in enumerate(calls)
            if index not in skipping
        }
        waiting = set(indexes)
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=indexes.__getitem__):
                    index = indexes[task]
                    yield ToolResult(round_number, calls[index], task.result(), index)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _make(self, call: ToolCall, index: int, *, is_approved: bool) -> str:
        """Return a tool's result as text; every failure becomes a result that the model can act on."""
        try:
            if index >= MAX_CALLS_PER_ROUND:
                raise ToolError(f"only {MAX_CALLS_PER_ROUND} calls are made at once")
            tool = self.by_name.get(call.name)
            if tool is None:
                raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(self.by_name) or 'none'}")
            arguments = read_arguments(call.arguments)
            if tool.needs_confirmation and not is_approved:
                tool.checked(arguments)  # normally raises: calls with invalid arguments are not put to the user
                raise ToolError("the user has not approved this call")
            data = await tool.run(arguments, self.context)
            result = storable(data) if isinstance(data, str) else dump_storable(data)
        except TimeoutError:
            result = _error("the tool did not answer in time")
        except ToolError as error:
            result = _error(str(error))
        except Exception as error:  # a bug in a tool must not end the turn; the exception's text may hold secrets
            result = _error(f"the tool failed ({type(error).__name__})")
        return visible_result(result)

    def _question(self, call: ToolCall) -> AskedCall | None:
        tool = self.by_name.get(call.name)
        if tool is None or not (tool.needs_confirmation or tool.runs_at_client):
            return None
        try:
            arguments = tool.checked(read_arguments(call.arguments))
        except Exception:
            return None
        return AskedCall(QuestionKind(tool.question) if tool.runs_at_client else QuestionKind.CONFIRM_TOOL, arguments)

    def _repetition(self, result: ToolResult) -> str:
        """Return a note for the model if it has made the same call with the same result before in this turn."""
        identity = _identity(result)
        if identity in self.seen:
            return REPETITION
        self.seen.add(identity)
        return ""


def _identity(result: ToolResult) -> tuple[str, str, str]:
    """Return the identity of a call and its result, independent of how the arguments are formatted."""
    call = result.call
    try:
        return call.name, dump_arguments(read_arguments(call.arguments)), result.result
    except ToolError:
        return call.name, call.arguments, result.result


def _error(message: str) -> str:
    return orjson.dumps({"error": message}).decode()
