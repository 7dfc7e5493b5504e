"""How a configured model is reached: by turns, and for short texts beside them."""

from contextlib import aclosing

from django.conf import settings

from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.openai_compatible import Connections, OpenAICompatibleModel, connections
from chat.providers.reading.thoughts import split_unopened


def client_of(config: ModelConfig, sampling: Sampling, through: Connections = connections) -> OpenAICompatibleModel:
    """Return a model within its provider's time limits, else the server's."""
    return OpenAICompatibleModel(
        config,
        sampling,
        first_token_timeout=config.first_token_seconds or settings.MODEL_FIRST_TOKEN_TIMEOUT_SECONDS,
        gap_timeout=config.gap_seconds or settings.MODEL_GAP_TIMEOUT_SECONDS,
        through=through,
    )


async def ask(config: ModelConfig, sampling: Sampling, instruction: str, text: str, *, max_chars: int) -> str:
    """Return what the model makes of a text, without its reasoning, cut off once it is longer than `max_chars`.

    Raises:
        ModelFailure: there is no answer.
    """
    prompt: list[ChatMessage] = [{"role": "system", "content": instruction}, {"role": "user", "content": text}]
    pieces: list[str] = []
    length = 0
    async with aclosing(client_of(config, sampling).stream(prompt, (), allow_tool_calls=False)) as deltas:
        async for delta in deltas:
            pieces.append(delta.text)
            length += len(delta.text)
            if length > max_chars:
                break
    reply, _ = split_unopened("".join(pieces))
    return reply[:max_chars]
