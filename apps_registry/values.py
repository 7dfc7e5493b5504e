"""What a turn needs to know of an App, as plain values that any layer may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from apps_registry.credentials.provider_key import ProviderKey
from apps_registry.provider_rules.profiles import OTHER, Profile
from apps_registry.provider_rules.request_rules import RequestRules
from apps_registry.tools.base import Tool

# What a request is made of here is not for its options to say.
RESERVED_OPTIONS = frozenset({"model", "messages", "stream", "stream_options", "tools", "tool_choice", "n"})
OPTIONS_MAX_BYTES = 4_000
PER_TOKENS = 1_000_000  # prices are per so many
# What an answer may take where nobody says: a quarter of the window, but no more than common models write at once.
WINDOW_PART_OF_REPLY = 4
USUAL_OUTPUT_TOKENS = 16_384


def find_option_problem(options: object) -> str:
    """Return what keeps request options from being sent, as a sentence; empty when nothing does."""
    if not isinstance(options, dict):
        return 'Write a JSON object, such as {"reasoning_effort": "low"}.'
    try:
        size = len(orjson.dumps(options))
    except orjson.JSONEncodeError:
        return "It holds something that cannot be sent as JSON, or is nested too deeply."
    if _has_huge_number(options):
        return "It holds a number that is too large."
    if size > OPTIONS_MAX_BYTES:
        return f"It may take {OPTIONS_MAX_BYTES:,} bytes, and takes {size:,}."
    taken = sorted(RESERVED_OPTIONS & options.keys())
    return f"{', '.join(taken)}: set by the request itself." if taken else ""


def _has_huge_number(data: object) -> bool:
    """Return whether PostgreSQL would give a number back as an integer of more than 64 bits, such as 1e300."""
    if isinstance(data, float):
        return abs(data) >= 2**63
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return any(_has_huge_number(part) for part in parts)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A language model and where it is served.

    Attributes:
        name: the name that callers choose by.
        provider_model_id: what the provider calls it.
        provider_id: the provider's row, whose limit its models share.
        base_url: the address before `/chat/completions`.
        key: where the provider's key is found.
        context_window: tokens, prompt and reply together.
        headers: what the provider's requests carry beside the usual.
        max_concurrent: requests at once of one worker to the provider; None: no limit.
        first_token_seconds, gap_seconds: the provider's own time limits, if any.
        prompt_price, completion_price: per million tokens; None: not known.
        options: merged into the request body.
        id: the model's row; None: it has none.
        profile: what kind of provider serves it.
        rules: for its requests: its profile's, and what was found out since.
        max_output_tokens: what an answer may take, reasoning included; None: not known.
        is_on_this_machine: its address is this machine's.
        schemas: of tools that the provider takes in another form than theirs, by the tool's name.
        unfit_tools: why the provider refuses a tool, by the tool's name.
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

    def output_limit(self, wanted: int | None = None) -> int:
        """Return how many tokens an answer may take: as many as wanted, else the model's own limit, never above it."""
        part = max(1, self.context_window // WINDOW_PART_OF_REPLY)
        usual = self.max_output_tokens or min(part, USUAL_OUTPUT_TOKENS)
        known = [limit for limit in (self.max_output_tokens, self.rules.max_output_tokens) if limit is not None]
        return min([wanted or usual, *known])

    def reply_reserve(self, wanted: int | None = None) -> int:
        """Return how much of the window the history leaves to the answer."""
        return wanted or min(self.output_limit(), max(1, self.context_window // WINDOW_PART_OF_REPLY))

    def cost(self, prompt_tokens: int | None, completion_tokens: int | None) -> Decimal | None:
        """Return what so many tokens cost; None when a price or both counts are not known."""
        if self.prompt_price is None or self.completion_price is None:
            return None
        if prompt_tokens is None and completion_tokens is None:
            return None
        total = (prompt_tokens or 0) * self.prompt_price + (completion_tokens or 0) * self.completion_price
        return total / PER_TOKENS


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters; None leaves the choice to the model."""

    temperature: float | None = None
    top_p: float | None = None
    max_reply_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class McpServerSettings:
    """How an MCP server is called; the fields are columns of McpServer in apps_registry/models/mcp.py.

    Attributes:
        url: of its endpoint.
        headers: name -> template over the App's secrets.
        timeout_seconds: for a whole call, with its connection.
        max_result_chars: more than this is cut off, with a note.
        keeps_session: the conversation's next turn goes on in the same session with the server.
        instructions: what it says of its tools' use, as the operator accepted it.
    """

    url: str
    headers: Mapping[str, str]
    timeout_seconds: float
    max_result_chars: int
    keeps_session: bool = False
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class ServerNote:
    """What an MCP server says of the use of its tools, whose names begin with its prefix, as it was accepted."""

    prefix: str
    text: str


def release_to_run(live: int | None, kept: int | None, *, keeps: bool) -> int | None:
    """Return the id of the release that answers in a session; None: the draft.

    Ids of one App's releases grow with their numbers. `release_kept_sql` is the same rule in SQL.

    Args:
        live: the release that is live; None: the draft is.
        kept: the release that the session began with; a later one than the live one has been taken back.
        keeps: whether the App lets its sessions keep theirs.
    """
    if not keeps or kept is None:
        return live
    return kept if live is None else min(kept, live)


def release_kept_sql(*, live: str, kept: str, keeps: str) -> str:
    """Return what a session keeps, in SQL, once a turn has begun: `release_to_run`, or NULL where Apps keep none.

    Args:
        live: an expression, as the others are; each is what the parameter of `release_to_run` is.
        kept: of the session before the turn.
        keeps: whether the App lets its sessions keep theirs.
    """
    return f"CASE WHEN {keeps} THEN LEAST({kept}, {live}) END"  # LEAST passes over NULL


@dataclass(frozen=True, slots=True)
class AppConfig:
    """An active App as its turns see it: one release, or its draft.

    Attributes:
        reply_wait_seconds: how long a chat call waits for the reply; None: the operator left it to us.
        release_id: the release; None: the draft.
        sessions_keep_release: whether sessions stay with the release that they began with.
        server_notes: of the MCP servers that have tools in use.
        problem: why it cannot answer, as a sentence; it then has no models, and is otherwise as the App is now.
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
    recalls_earlier_sessions: bool
    allowed_origins: frozenset[str]
    release_id: int | None = None
    sessions_keep_release: bool = False
    problem: str = ""
    server_notes: tuple[ServerNote, ...] = ()
    model_names: tuple[str, ...] = field(init=False)

    def model_for(self, chosen: str) -> ModelConfig:
        """Return the model of this name, if the App offers it, else the default."""
        return next((model for model in self.models if model.name == chosen), self.models[0])

    def release_for(self, kept: int | None) -> int | None:
        """Return the release that answers in a session; of the live configuration; see `release_to_run`."""
        return release_to_run(self.release_id, kept, keeps=self.sessions_keep_release)

    def models_from(self, first: ModelConfig) -> tuple[ModelConfig, ...]:
        """Return the models in the order in which a turn asks them: one, then the others as they are offered."""
        return (first, *(model for model in self.models if model.name != first.name))

    def __post_init__(self) -> None:
        """Derive the names once."""
        object.__setattr__(self, "model_names", tuple(model.name for model in self.models))
