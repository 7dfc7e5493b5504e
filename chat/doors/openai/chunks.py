"""Streams a turn as chunks of a completion."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from chat.api.errors import code_and_sentence, problem
from chat.api.streams.following import KEEPALIVE, events_of, keepalives_until_idle, sse
from chat.api.streams.guard import Opened
from chat.doors.openai.beginning import Begun
from chat.doors.openai.errors import of_problem
from chat.doors.openai.replies import reply_of
from chat.doors.openai.wire import BETWEEN_ROUNDS, Completion
from chat.events import RoundEnded, TextDelta

DONE = b"data: [DONE]\n\n"
PLACE = "<text of a chunk>"  # in no id, and in no name of a model


async def completion_chunks(
    begun: Begun, completion: Completion, opened: Opened, *, has_usage: bool
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a turn's answer, and the error if it fails.

    Args:
        begun: the turn; if another worker runs it, its whole answer comes at its end.
        completion: names the answer.
        opened: the session and its reader, who may lose access.
        has_usage: whether the client asks for a chunk with the tokens.
    """
    yield sse(completion.delta({"role": "assistant", "content": ""}))
    # Chunks differ in their text only, and there may be thousands.
    before, after = sse(completion.delta({"content": PLACE})).split(orjson.dumps(PLACE))
    streamed = False
    async with aclosing(_text_of(begun, opened)) as pieces:
        async for piece in pieces:
            streamed = streamed or piece is not None
            yield KEEPALIVE if piece is None else before + orjson.dumps(piece) + after
    try:
        if opened.refusal is not None:
            raise opened.refusal
        reply = await reply_of(begun)
    except Exception as error:
        yield sse(of_problem(problem(*code_and_sentence(error))))
        return
    rest = reply.question if streamed else reply.text
    if rest:
        yield sse(completion.delta({"content": f"{BETWEEN_ROUNDS}{rest}" if streamed else rest}))
    if reply.calls:
        yield sse(completion.calls(reply))
    yield sse(completion.delta({}, reply.finish_reason))
    if has_usage:
        yield sse(completion.usage(reply))
    yield DONE


async def _text_of(begun: Begun, opened: Opened) -> AsyncGenerator[str | None, None]:
    """Yield the text as it arrives, rounds apart from one another; None in silence."""
    if begun.running is None:
        async with aclosing(keepalives_until_idle(opened)) as silences:
            async for _ in silences:
                yield None
        return
    between = ""
    has_text = False
    async with aclosing(events_of(begun.running, opened)) as events:
        async for event in events:
            match event:
                case None:
                    yield None
                case TextDelta(text):
                    yield between + text
                    between, has_text = "", True
                case RoundEnded() if has_text:
                    between, has_text = BETWEEN_ROUNDS, False
