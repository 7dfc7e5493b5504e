"""Creates clients of configured models, and asks models for short texts outside of turns."""

from contextlib import aclosing
from dataclasses import dataclass, replace

from django.conf import settings

from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.base import TimeLimits
from chat.providers.learning import remember_later
from chat.providers.openai_compatible import Connections, OpenAICompatibleModel, connections
from chat.providers.reading.thoughts import split_unopened
from chat.providers.requests import Learn, Report, Sent, ignore_change, reply_bound

# Added to the limit of a short text, because the limit also covers the model's reasoning.
REASONING_TOKENS = 2_000
ENVELOPE_TOKENS = 50  # roles and separators of a prompt of two messages


def client_of(
    config: ModelConfig,
    sampling: Sampling,
    through: Connections = connections,
    *,
    on_change: Report = ignore_change,
    on_learned: Learn = remember_later,
    on_sent: Sent | None = None,
) -> OpenAICompatibleModel:
    """Return a client with the provider's time limits, or the server's defaults; see `OpenAICompatibleModel`."""
    limits = time_limits(config)
    return OpenAICompatibleModel(
        config, sampling, limits, through=through, on_change=on_change, on_learned=on_learned, on_sent=on_sent
    )


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


@dataclass(slots=True)
class Question:
    """A text for a model, outside of a turn, and what it has used so far.

    Attributes:
        sampling: its token limit is that of the answer without reasoning.
        max_chars: the answer is cut here.
        has_begun: whether the model has begun to answer.
        prompt_tokens, completion_tokens: the provider's counts; None if it sent none.
    """

    config: ModelConfig
    sampling: Sampling
    instruction: str
    text: str
    max_chars: int
    has_begun: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def most_tokens(self) -> tuple[int, int]:
        """Upper bounds of the tokens of the prompt and of the answer; no text has more tokens than bytes."""
        prompt = len(self.instruction.encode()) + len(self.text.encode()) + ENVELOPE_TOKENS
        return min(prompt, self.config.context_window), reply_bound(self.config, self._with_room_to_think())

    async def ask(self) -> str:
        """Return the model's answer, without reasoning.

        Raises:
            ModelFailure: there is no answer.
        """
        prompt: list[ChatMessage] = [
            {"role": "system", "content": self.instruction},
            {"role": "user", "content": self.text},
        ]
        pieces: list[str] = []
        length = 0
        client = client_of(self.config, self._with_room_to_think())
        async with aclosing(client.stream(prompt, (), allow_tool_calls=False)) as deltas:
            async for delta in deltas:
                self.has_begun = True
                self.prompt_tokens = delta.prompt_tokens or self.prompt_tokens
                self.completion_tokens = delta.completion_tokens or self.completion_tokens
                pieces.append(delta.text)
                length += len(delta.text)
                if length > self.max_chars:
                    break
        reply, _ = split_unopened("".join(pieces))
        return reply[: self.max_chars]

    def _with_room_to_think(self) -> Sampling:
        limit = self.sampling.max_reply_tokens
        return self.sampling if limit is None else replace(self.sampling, max_reply_tokens=limit + REASONING_TOKENS)
