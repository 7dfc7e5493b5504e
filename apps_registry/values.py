"""What a turn needs to know of an App, as plain values that any layer may hold."""

from dataclasses import dataclass, field

from apps_registry.tools.base import Tool


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A language model and where it is served.

    Attributes:
        name: the name that callers choose by.
        provider_model_id: what the provider calls it.
        base_url: the address before `/chat/completions`.
        api_key_env: the environment variable that holds the provider's key; empty: none is needed.
        context_window: tokens, prompt and reply together.
    """

    name: str
    provider_model_id: str
    base_url: str
    api_key_env: str
    context_window: int
    supports_tools: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters; None leaves the choice to the model."""

    temperature: float | None = None
    top_p: float | None = None
    max_reply_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AppConfig:
    """An active App as its turns see it."""

    id: int
    slug: str
    is_default: bool
    preamble: str
    models: tuple[ModelConfig, ...]  # the default first, then the alternatives in order
    sampling: Sampling
    tools: tuple[Tool, ...]
    reply_wait_seconds: int
    max_tool_rounds: int
    history_budget_tokens: int
    sessions_readable_by_id: bool
    makes_titles: bool
    recalls_earlier_sessions: bool
    allowed_origins: frozenset[str]
    model_names: tuple[str, ...] = field(init=False)

    def model_for(self, chosen: str) -> ModelConfig:
        """Return the model of this name, if the App offers it, else the default."""
        return next((model for model in self.models if model.name == chosen), self.models[0])

    def __post_init__(self) -> None:
        """Derive the names once."""
        object.__setattr__(self, "model_names", tuple(model.name for model in self.models))
