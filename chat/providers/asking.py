"""Creates clients of configured models, and asks models for short texts outside of turns."""

from contextlib import aclosing
from dataclasses import replace

from django.conf import settings

from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.base import TimeLimits
from chat.providers.learning import remember_later
from chat.providers.openai_compatible import Connections, OpenAICompatibleModel, connections
from chat.providers.reading.thoughts import split_unopened
from chat.providers.requests import Learn, Report, say_nothing

# Added to the limit of a short text, because the limit also covers the model's reasoning.
REASONING_TOKENS = 2_000


def client_of(
    config: ModelConfig,
    sampling: Sampling,
    through: Connections = connections,
    *,
    on_change: Report = say_nothing,
    on_learned: Learn = remember_later,
) -> OpenAICompatibleModel:
    """Return a client with the provider's time limits, or the server's defaults; see `OpenAICompatibleModel`."""
    limits = time_limits(config)
    return OpenAICompatibleModel(config, sampling, limits, through=through, on_change=on_change, on_learned=on_learned)


def time_limits(config: ModelConfig) -> TimeLimits:
    """Return how long a model may be silent; a model on this machine may have to be loaded first."""
    first, first_from = settings.MODEL_FIRST_TOKEN_TIMEOUT_SECONDS, "MODEL_FIRST_TOKEN_TIMEOUT_SECONDS"
    local = settings.MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS
    if config.is_on_this_machine and local > first:
        first, first_from = local, "MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS"
    gap, gap_from = settings.MODEL_GAP_TIMEOUT_SECONDS, "MODEL_GAP_TIMEOUT_SECONDS"
    if config.first_token_seconds is not None:
        first, first_from = config.first_token_seconds, "“time limit until the first token” of the provider"
    if config.gap_seconds is not None:
        gap, gap_from = config.gap_seconds, "“time limit between tokens” of the provider"
    return TimeLimits(first, gap, first_from, gap_from)


async def ask(config: ModelConfig, sampling: Sampling, instruction: str, text: str, *, max_chars: int) -> str:
    """Return the model's answer to a text, without reasoning, cut at `max_chars`.

    The token limit in `sampling` is that of the answer without reasoning.

    Raises:
        ModelFailure: there is no answer.
    """
    prompt: list[ChatMessage] = [{"role": "system", "content": instruction}, {"role": "user", "content": text}]
    if sampling.max_reply_tokens is not None:
        sampling = replace(sampling, max_reply_tokens=sampling.max_reply_tokens + REASONING_TOKENS)
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
