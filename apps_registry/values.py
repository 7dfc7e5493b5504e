"""The configuration of an App that a turn needs, as plain values that any layer may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from apps_registry.credentials.provider_key import ProviderKey
from apps_registry.provider_rules.profiles import OTHER, Profile
from apps_registry.provider_rules.request_rules import RequestRules
from apps_registry.support.http.request_sources import ANYWHERE, SourceLimits
from apps_registry.tools.base import Tool

# Operators talk to Apps in the console's playground. The channels of their sessions begin with this word, so that no
# caller continues or opens one, and their turns count for this id, which no App key has.
OPERATORS_CHANNEL = "operator:"
OPERATORS_KEY_ID = -1
# Request fields that this server sets itself, so that options must not set them.
RESERVED_OPTIONS = frozenset({"model", "messages", "stream", "stream_options", "tools", "tool_choice", "n"})
OPTIONS_MAX_BYTES = 4_000
PER_TOKENS = 1_000_000  # number of tokens that a price is for
TOOL_ENVELOPE_BYTES = 100  # {"type": "function", "function": {…}} around a tool
# Default limit of an answer: a quarter of the context window, up to the output limit of common models.
REPLY_WINDOW_DIVISOR = 4
DEFAULT_OUTPUT_TOKENS = 16_384


def find_option_problem(options: object) -> str:
    """Return why request options cannot be sent, as a sentence; empty if they can."""
    if not isinstance(options, dict):
        return 'Write a JSON object, such as {"reasoning_effort": "low"}.'
    try:
        size = len(orjson.dumps(options))
    except orjson.JSONEncodeError:
        return "It contains something that cannot be sent as JSON, or is nested too deeply."
    if _has_huge_number(options):
        return "It contains a number that is too large."
    if size > OPTIONS_MAX_BYTES:
        return f"It has {size:,} bytes; the limit is {OPTIONS_MAX_BYTES:,}."
    reserved = sorted(RESERVED_OPTIONS & options.keys())
    return f"{', '.join(reserved)}: set by this server for every request." if reserved else ""


def _has_huge_number(data: object) -> bool:
    """Tell whether PostgreSQL would return a number as an integer of more than 64 bits, as it does for 1e300."""
    if isinstance(data, float):
        return abs(data) >= 2**63
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return any(_has_huge_number(part) for part in parts)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A language model and its provider.

    Attributes:
        name: the name by which callers choose the model.
        provider_model_id: the provider's name for it.
        provider_id: primary key of the provider, whose request limit its models share.
        base_url: the address before `/chat/completions`.
        key: where the provider's key is stored.
        context_window: maximum number of tokens of prompt and reply together.
        headers: additional headers of requests to the provider.
        max_concurrent: maximum number of concurrent requests of one worker to the provider; None: no limit.
        first_token_seconds, gap_seconds: the provider's own time limits; None: the server's.
        prompt_price, completion_price: per million tokens; None: unknown.
        options: merged into the request body.
        id: primary key of the model; None: it is not stored.
        profile: the kind of provider.
        rules: request rules: those of the profile and those learned from the provider's errors.
        max_output_tokens: maximum number of tokens of an answer, including reasoning; None: unknown.
        is_on_this_machine: whether its address is on this machine.
        schemas: tool schemas in the form that this provider accepts, by tool name, where it differs from the original.
        unfit_tools: why the provider rejects a tool, by tool name.
    """

    name: str
    provider_model_id: str
    provider_id: int
    base_url: str
    key: ProviderKey
    context_window: int
    supports_tools: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    max_concurrent: int | None = None
    first_token_seconds: float | None = None
    gap_seconds: float | None = None
    prompt_price: Decimal | None = None
    completion_price: Decimal | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None
    profile: Profile = OTHER
    rules: RequestRules = field(default_factory=RequestRules)
    max_output_tokens: int | None = None
    is_on_this_machine: bool = False
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unfit_tools: Mapping[str, str] = field(default_factory=dict)

    def output_limit(self, requested_tokens: int | None = None) -> int:
        """Return the maximum number of tokens of an answer, never above the limits of the model."""
        window_share = max(1, self.context_window // REPLY_WINDOW_DIVISOR)
        default = self.max_output_tokens or min(window_share, DEFAULT_OUTPUT_TOKENS)
        limits = [limit for limit in (self.max_output_tokens, self.rules.max_output_tokens) if limit is not None]
        return min([requested_tokens or default, *limits])

    def reply_reserve(self, requested_tokens: int | None = None) -> int:
        """Return the number of tokens of the context window that are reserved for the answer."""
        return requested_tokens or min(self.output_limit(), max(1, self.context_window // REPLY_WINDOW_DIVISOR))

    def cost(self, prompt_tokens: int | None, completion_tokens: int | None) -> Decimal | None:
        """Return the cost of a request; None if a price or both counts are unknown."""
        if self.prompt_price is None or self.completion_price is None:
            return None
        if prompt_tokens is None and completion_tokens is None:
            return None
        total = (prompt_tokens or 0) * self.prompt_price + (completion_tokens or 0) * self.completion_price
        return total / PER_TOKENS


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters; None leaves the choice to the model.

    Attributes:
        response_format: the form of the answer, such as a JSON Schema, as the chat completions protocol has it.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_reply_tokens: int | None = None
    response_format: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class McpServerSettings:
    """How an MCP server is called; the fields are columns of McpServer in apps_registry/models/mcp.py.

    Attributes:
        url: of its endpoint.
        headers: name -> template over the App's secrets.
        timeout_seconds: for a whole call, with its connection.
        max_result_chars: more than this is cut off, with a note.
        keeps_session: whether the conversation's next turn continues in the same session with the server.
        instructions: the server's instructions for its tools, as the operator accepted them.
    """

    url: str
    headers: Mapping[str, str]
    timeout_seconds: float
    max_result_chars: int
    keeps_session: bool = False
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class ServerNote:
    """The accepted instructions of an MCP server for its tools, whose names begin with its prefix."""

    prefix: str
    text: str


def release_to_run(live: int | None, kept: int | None, *, keeps: bool) -> int | None:
    """Return the id of the release that a session uses; None: the draft.

    Ids of one App's releases increase with their numbers. `release_kept_sql` is the same rule in SQL.

    Args:
        live: the live release; None: the draft is live.
        kept: the release that the session began with; if it is later than the live one, it has been rolled back.
        keeps: whether sessions of the App keep the release that they began with.
    """
    if not keeps or kept is None:
        return live
    return kept if live is None else min(kept, live)


def release_kept_sql(*, live: str, kept: str, keeps: str) -> str:
    """Return the SQL expression for the release that a session keeps after a turn has begun, as `release_to_run` says.

    It is NULL if sessions of the App keep no release. The arguments are SQL expressions for the parameters of
    `release_to_run`.

    Args:
        live: the live release.
        kept: the release that the session kept before the turn.
        keeps: whether sessions of the App keep their release.
    """
    return f"CASE WHEN {keeps} THEN LEAST({kept}, {live}) END"  # LEAST ignores NULL


@dataclass(frozen=True, slots=True)
class CallerRules:
    """What an App lets the callers of other protocols do; the columns are explained in apps_registry/models/app.py."""

    may_instruct: bool = False
    may_sample: bool = False
    may_bring_tools: bool = False
    keeps_stateless_text: bool = True
    continues_chats_of_openwebui: bool = False


@dataclass(frozen=True, slots=True)
class AppConfig:
    """The configuration of an active App: one of its releases, or its draft.

    Attributes:
        reply_wait_seconds: how long a chat call waits for the reply; None: the server's default.
        keeps_requests: whether what models are sent is kept for operators.
        source_limits: where its callers may come from.
        trusts_backend_wallets: whether a wallet in a browser token counts as proven.
        claimed_wallets_may_sign: whether wallets may be asked to sign whose ownership is not proven.
        release_id: the release; None: the draft.
        sessions_keep_release: whether sessions keep the release that they began with.
        name: the name that operators gave it.
        description: what it is for, for programs that choose among Apps.
        server_notes: instructions of the MCP servers whose tools are used.
        problem: why the App cannot answer, as a sentence; it then has no models, and the other attributes are the App's
            current ones.
    """

    id: int
    slug: str
    is_default: bool
    preamble: str
    models: tuple[ModelConfig, ...]  # the default first, then the alternatives in order
    sampling: Sampling
    tools: tuple[Tool, ...]
    reply_wait_seconds: int | None
    max_tool_rounds: int
    history_budget_tokens: int
    sessions_readable_by_id: bool
    reply_language: str
    summarises_history: bool
    makes_titles: bool
    keeps_reasoning: bool
    keeps_requests: bool
    shows_usage: bool
    recalls_earlier_sessions: bool
    allowed_origins: frozenset[str]
    source_limits: SourceLimits = ANYWHERE
    trusts_backend_wallets: bool = False
    claimed_wallets_may_sign: bool = False
    release_id: int | None = None
    sessions_keep_release: bool = False
    problem: str = ""
    server_notes: tuple[ServerNote, ...] = ()
    caller_rules: CallerRules = field(default_factory=CallerRules)
    created_at: datetime | None = None
    name: str = ""
    description: str = ""
    model_names: tuple[str, ...] = field(init=False)
    has_client_tools: bool = field(init=False)  # that run at the client
    fixed_prompt_bytes: int = field(init=False)  # the preamble and all that tools add to a prompt, at most

    def model_for(self, chosen: str) -> ModelConfig:
        """Return the model with this name if the App offers it, otherwise the default model."""
        return next((model for model in self.models if model.name == chosen), self.models[0])

    def release_for(self, kept: int | None) -> int | None:
        """Return the release that a session uses when this configuration is live; see `release_to_run`."""
        return release_to_run(self.release_id, kept, keeps=self.sessions_keep_release)

    def models_starting_with(self, first: ModelConfig) -> tuple[ModelConfig, ...]:
        """Return the models in the order in which a turn tries them: `first`, then the others in their order."""
        return (first, *(model for model in self.models if model.name != first.name))

    def __post_init__(self) -> None:
        """Compute the model names and the size of the fixed part of prompts once."""
        object.__setattr__(self, "model_names", tuple(model.name for model in self.models))
        object.__setattr__(self, "has_client_tools", any(tool.runs_at_client for tool in self.tools))
        object.__setattr__(self, "fixed_prompt_bytes", self._fixed_prompt_bytes())

    def _fixed_prompt_bytes(self) -> int:
        texts = [self.preamble, *(note.text for note in self.server_notes)]
        return sum(len(text.encode()) for text in texts) + sum(map(_schema_bytes, self.tools))


def _schema_bytes(tool: Tool) -> int:
    """Return the bytes of a tool in a request; providers get this schema or a simpler one."""
    return len(orjson.dumps([tool.name, tool.description, tool.parameters])) + TOOL_ENVELOPE_BYTES
