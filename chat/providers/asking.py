"""How a configured model is reached: by turns, and for short texts beside them."""

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

# What a reasoning model may think before a short text: the limit of its answer covers both.
REASONING_TOKENS = 2_000


def client_of(
    config: ModelConfig,
    sampling: Sampling,
    through: Connections = connections,
    *,
    on_change: Report = say_nothing,
    on_learned: Learn = remember_later,
) -> OpenAICompatibleModel:
    """Return a model within its provider's time limits, else the server's; see `OpenAICompatibleModel`."""
    limits = time_limits(config)
    return OpenAICompatibleModel(config, sampling, limits, through=through, on_change=on_change, on_learned=on_learned)


def time_limits(config: ModelConfig) -> TimeLimits:
    """Return how long a model may be silent; one of this machine may have to be loaded first."""
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
    """Return what the model makes of a text, without its reasoning, cut off once it is longer than `max_chars`.

    The tokens that `sampling` asks for are those of the text alone.

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
