"""Falls back to the next model, within the same turn, when one fails before its first token."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing

from apps_registry.tools.base import Tool
from apps_registry.values import ModelConfig, Sampling
from chat.issuers import Issuer, issuer_of
from chat.prompt.history import PromptMessage
from chat.providers.asking import client_of
from chat.providers.base import ModelDelta, ModelFailure, ModelTimeout
from chat.providers.breaker import Breakers, ModelKey
from chat.providers.openai_compatible import OpenAICompatibleModel
from chat.providers.requests import Sent
from chat.providers.retries import RetryingModel

logger = logging.getLogger("aomi.models")

SKIPPED = "circuit_open"


class FallbackModel:
    """The models of a turn, in the order in which they are tried; a model that answers moves to the front."""

    def __init__(
        self,
        configs: Sequence[ModelConfig],
        sampling: Sampling,
        breakers: Breakers,
        *,
        prompt_for: Callable[[ModelConfig], Sequence[PromptMessage]],
        on_answer: Callable[[ModelConfig], None],
        on_failure: Callable[[ModelConfig, str, str], None],
        on_sent: Sent | None = None,
    ) -> None:
        """Store the configuration; nothing is sent.

        Args:
            configs: at least one model, in the order in which to try them.
            sampling: the sampling parameters for each model.
            breakers: the worker's circuit breakers.
            prompt_for: builds the prompt for a model; `stream` gets that of the first model.
            on_answer: called with the model at its first token.
            on_failure: called with a model that failed, or whose provider refused a part of the request; with a code,
                and an optional sentence.
            on_sent: called with each request that was sent.
        """
        self._configs = list(configs)
        self._sampling = sampling
        self._breakers = breakers
        self._prompt_for = prompt_for
        self._on_answer = on_answer
        self._on_failure = on_failure
        self._on_sent = on_sent
        self._clients: dict[str, OpenAICompatibleModel] = {}  # kept for the turn, because clients learn rules
        self._prompts = {configs[0].name: prompt_for(configs[0])}
        self._prompt_length = len(self._prompts[configs[0].name])

    @property
    def prompt(self) -> Sequence[PromptMessage]:
        """The first model's prompt."""
        return next(iter(self._prompts.values()))

    @property
    def issuer(self) -> Issuer:
        """The issuer of the last answer; before the first answer, the first model's."""
        return issuer_of(self._configs[0])

    async def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the chunks of the first model that answers.

        Raises:
            ModelFailure: the last failure if all models failed, or the first failure that another model would share.
        """
        added = messages[self._prompt_length :]
        last: ModelFailure | None = None
        for config in self._candidates(has_tool_results=bool(added)):
            is_settled = False
            try:
                model, prompt = RetryingModel(self._client(config)), [*self._prompt(config), *added]
                async with aclosing(model.stream(prompt, tools, allow_tool_calls=allow_tool_calls)) as deltas:
                    async for delta in deltas:
                        if not is_settled and delta.is_token:
                            is_settled = True
                            self._answers(config)
                        yield delta
                return
            except ModelFailure as failure:
                if not is_settled or failure.note:
                    self._on_failure(config, failure.reason, failure.note)
                if is_settled:
                    raise
                if not failure.is_of_model:
                    raise
                if not (failure.is_transient or isinstance(failure, ModelTimeout)):  # an operator must fix it
                    logger.warning("model %s did not answer: %s", config.name, failure.reason)
                is_settled, last = True, failure
                self._breakers.failed(_key(config))
            finally:
                if not is_settled:
                    self._breakers.gave_up(_key(config), self)
        if last is not None:
            raise last

    def _candidates(self, *, has_tool_results: bool) -> Iterator[ModelConfig]:
        """Yield the models to try, lazily: a model that the breaker has admitted must be called."""
        first, *others = self._configs
        # The results of this turn's tools cannot be sent to a model without tool support.
        usable = [first, *(config for config in others if config.supports_tools or not has_tool_results)]
        is_any_admitted = False
        for config in usable:
            if self._breakers.admits(_key(config), self):
                is_any_admitted = True
                yield config
            else:
                self._on_failure(config, SKIPPED, "")
        if not is_any_admitted:  # if all breakers are open, a call that may fail is better than no call
            yield first

    def _client(self, config: ModelConfig) -> OpenAICompatibleModel:
        if config.name not in self._clients:
            self._clients[config.name] = client_of(
                config, self._sampling, on_change=self._on_failure, on_sent=self._on_sent
            )
        return self._clients[config.name]

    def _prompt(self, config: ModelConfig) -> Sequence[PromptMessage]:
        if config.name not in self._prompts:
            self._prompts[config.name] = self._prompt_for(config)
        return self._prompts[config.name]

    def _answers(self, config: ModelConfig) -> None:
        self._breakers.answered(_key(config))
        self._on_answer(config)
        self._configs = [config, *(other for other in self._configs if other is not config)]


def _key(config: ModelConfig) -> ModelKey:
    return config.provider_id, config.base_url, config.provider_model_id
