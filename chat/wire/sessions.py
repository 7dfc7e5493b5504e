"""The JSON of sessions: the snapshot, its messages and events, and the shorter forms."""

from typing import Annotated, Literal, NotRequired
from uuid import UUID

from pydantic import Field, JsonValue
from typing_extensions import TypeAliasType, TypedDict

from chat.wire.values import (
    EXAMPLE_MESSAGE,
    EXAMPLE_SESSION,
    EXAMPLE_STATE,
    EXAMPLE_TIME,
    AppSlug,
    JsonObject,
    Ready,
    Status,
    Time,
    shown_as,
)

Sender = Literal["user", "agent", "system"]
EXAMPLE_MESSAGES: list[JsonValue] = [
    {
        "id": EXAMPLE_MESSAGE,
        "sender": "user",
        "content": "What is ETH worth?",
        "timestamp": EXAMPLE_TIME,
        "is_streaming": False,
        "tool_result": None,
        "citations": [],
    },
    {
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "sender": "agent",
        "content": "",
        "timestamp": EXAMPLE_TIME,
        "is_streaming": False,
        "tool_result": ["get_token_price", '{"usd": 3500}'],
        "citations": [],
    },
]
EXAMPLE_SNAPSHOT: JsonValue = {
    "session_id": EXAMPLE_SESSION,
    "app": "default",
    "status": "idle",
    "is_processing": False,
    "title": "ETH price check",
    "messages": EXAMPLE_MESSAGES,
    "system_events": [{"SystemNotice": "wallet connected"}],
    "user_state": EXAMPLE_STATE,
}
EXAMPLE_LISTED: dict[str, JsonValue] = {"session_id": EXAMPLE_SESSION, "title": "ETH price check", "is_archived": False}
EXAMPLE_DETAILS: JsonValue = {
    **EXAMPLE_LISTED,
    "app": "default",
    "status": "idle",
    "created_at": EXAMPLE_TIME,
    "last_active_at": EXAMPLE_TIME,
}


class Citation(TypedDict):
    """A passage of the App's documents that a reply cites."""

    marker: Annotated[int, Field(description="The number that cites it in the text, such as 17 in [17].")]
    document: str
    place: Annotated[str, Field(description="Where in the document: headings, pages or lines.")]


@shown_as(*EXAMPLE_MESSAGES)
class Message(TypedDict):
    """A message of a session."""

    id: UUID
    sender: Sender
    content: str
    timestamp: Time
    is_streaming: Annotated[bool, Field(description="Whether the message is the partial reply of a running turn.")]
    tool_result: Annotated[
        tuple[str, str] | None,
        Field(description="The tool's name and its result; null if the message is not a tool result."),
    ]
    citations: Annotated[
        list[Citation],
        Field(description="The passages that the reply cites, in the order of their first mention."),
    ]


class ToolQuestion(TypedDict):
    """A tool call that the client must decide about, or make."""

    call_id: Annotated[str, Field(description="The id to answer with. It is not the id of the tool call.")]
    tool: str
    arguments: JsonObject
    expires_at: Time


class WalletTransaction(TypedDict):
    """A transaction that the user's wallet is asked to sign and send."""

    tx_ids: Annotated[list[int], Field(description="Its number; `user_state.pending_txs` has it, too.")]
    to: str
    value: Annotated[str, Field(description="In wei, as decimal digits.")]
    data: str
    chain_id: int
    description: Annotated[str, Field(description="The model's words; show the user the rest as well.")]


class WalletTypedData(TypedDict):
    """Typed data (EIP-712) that the user's wallet is asked to sign."""

    typed_data: JsonObject
    description: Annotated[str, Field(description="The model's words; show the user the rest as well.")]
    pending_eip712_id: int


class InlineCall(TypedDict):
    """A turn waits until `POST /api/system` has an answer.

    `confirm_tool` asks whether a call may be made: answer with `call_id` and `approved`. `client_tool` asks the client
    to run one of its own tools: answer with `call_id`, and either `result` or `error`; both under the same type.
    `wallet_tx_request` and `wallet_eip712_request` ask the user's wallet: answer `wallet:tx_complete` with `status`,
    `txHash` or `error`, and `pending_tx_ids`; or `wallet_eip712_response` with `status`, `signature` or `error`, and
    `pending_eip712_id`.
    """

    type: Literal["confirm_tool", "client_tool", "wallet_tx_request", "wallet_eip712_request"]
    payload: ToolQuestion | WalletTransaction | WalletTypedData


@shown_as({"SystemNotice": "wallet connected"})
class SystemNoticeEvent(TypedDict):
    """A text that was sent to `POST /api/system`."""

    SystemNotice: str


class SystemErrorEvent(TypedDict):
    """Something failed outside of a reply."""

    SystemError: str


class InlineCallEvent(TypedDict):
    """A question to the user."""

    InlineCall: InlineCall


@shown_as({"AsyncCallback": {"type": "wallet:tx", "payload": {}}})
class AsyncCallbackEvent(TypedDict):
    """JSON that was sent to `POST /api/system`."""

    AsyncCallback: Annotated[JsonObject | list[object], Field(description="The JSON that the client sent.")]


SystemEvent = TypeAliasType("SystemEvent", SystemNoticeEvent | SystemErrorEvent | InlineCallEvent | AsyncCallbackEvent)


@shown_as({"model": "gpt-5-mini", "prompt_tokens": 310, "completion_tokens": 42, "cost": "0.0001305"})
class TurnUsage(TypedDict):
    """What a turn has used."""

    model: str
    prompt_tokens: Annotated[int | None, Field(description="By the provider's count; null if it sent none.")]
    completion_tokens: int | None
    cost: Annotated[
        str | None, Field(description="A decimal number; null if the price of a model that answered is unknown.")
    ]


@shown_as(EXAMPLE_SNAPSHOT)
class Snapshot(TypedDict):
    """A session with its messages."""

    session_id: UUID
    app: AppSlug
    status: Status
    is_processing: Annotated[bool, Field(description='Whether `status` is "processing".')]
    title: str
    messages: Ready[list[Message]]
    system_events: Annotated[
        list[SystemEvent], Field(description="The system events that no earlier snapshot has delivered.")
    ]
    user_state: Annotated[
        Ready[JsonObject] | None,
        Field(
            description="The client's state as it was last sent, and what waits for its wallet: `pending_txs` and "
            "`pending_eip712s`, by number."
        ),
    ]
    usage: NotRequired[
        Annotated[
            TurnUsage | None,
            Field(description="Of the last turn that has ended; only if the App shows it, null before the first."),
        ]
    ]


@shown_as({"session_id": EXAMPLE_SESSION, "title": "New Chat"})
class TitledSession(TypedDict):
    """A session's id and title."""

    session_id: UUID
    title: str


@shown_as(EXAMPLE_LISTED)
class ListedSession(TitledSession):
    """A session in a list."""

    is_archived: bool


@shown_as(EXAMPLE_DETAILS)
class SessionDetails(ListedSession):
    """A session without its messages."""

    app: AppSlug
    status: Status
    created_at: Time
    last_active_at: Time


class DeletedSession(TypedDict):
    """A deleted session."""

    session_id: UUID
    deleted: Literal[True]


class SystemResponse(TypedDict):
    """The stored message, or the confirmation of an answer."""

    res: Message
