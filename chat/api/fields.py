"""The fields of requests: their validation, and their descriptions in the OpenAPI document."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from apps_registry.support.http.request_sources import parse_origin
from apps_registry.support.text.plain_json import read_json
from apps_registry.support.wallet_addresses import is_mistyped
from chat.turns.input.client_tools import NO_ARGUMENTS, ClientTool
from chat.wire.tools import ClientTools
from chat.wire.values import EXAMPLE_SESSION, EXAMPLE_STATE
from chat.wire.wallets import Address, ChainId, UserState
from keys.tokens.bounds import MAX_SECONDS
from sessions_app.access import InvalidSessionId, parse_session_id
from sessions_app.queries.listing import Cursor
from sessions_app.user_state import (
    CHAIN_ID_MAX,
    InvalidUserState,
    parse_public_key,
    parse_user_state,
    parse_wallet,
    text_of,
)
from sessions_app.values import Wallet

TITLE_MAX_CHARS = 200
IDEMPOTENCY_KEY_MAX_CHARS = 255
URI_MAX_CHARS = 2_000
TOOLS_MAX_DEPTH = 40
CHAIN_ID_MAX_DIGITS = len(str(CHAIN_ID_MAX))


class SentState(NamedTuple):
    """A `user_state` as the client sent it, and the wallet in it."""

    text: str
    wallet: Wallet | None


def _without_nul(text: str) -> str:
    if "\x00" in text:  # Postgres cannot store it
        raise ValueError("contains a NUL character")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text")
    return _without_nul(value)


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is missing or empty")
    return text


def _whole_number(value: object) -> int:
    text = _text(value)
    if not (text.isascii() and text.isdecimal()) or int(text[:10]) < 1:
        raise ValueError("is not a whole number of at least 1")
    return int(text[:10])


def _at_most(maximum: int) -> AfterValidator:
    """Return a validator that lowers a number to the maximum rather than refuse it."""
    return AfterValidator(lambda number: min(number, maximum))


def _chain_id(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[: CHAIN_ID_MAX_DIGITS + 1])
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= CHAIN_ID_MAX:
        raise ValueError(f"is not a whole number from 1 to {CHAIN_ID_MAX}")
    return value


def _address(value: object) -> str:
    address = _filled(_text(value))
    parse_wallet({"address": address})
    if is_mistyped(address):
        raise ValueError("is mistyped: its upper and lower case contradict its checksum (EIP-55)")
    return address


def _token_seconds(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[: len(str(MAX_SECONDS)) + 1])
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_SECONDS:
        raise ValueError(f"is not a whole number from 1 to {MAX_SECONDS}")
    return value


def _origin(value: object) -> str:
    try:
        return parse_origin(_filled(_text(value)))
    except ValueError:
        raise ValueError("is not an origin, such as https://www.example.com") from None


def _session_id(value: object) -> UUID:
    try:
        return parse_session_id(_text(value))
    except InvalidSessionId:
        raise ValueError("is not a UUID of the form 8-4-4-4-12, or is the nil or max UUID") from None


def _state(value: Any) -> SentState:
    """Parse a user_state: a JSON body may contain the object itself; everywhere else it is JSON text."""
    if not isinstance(value, dict | str):
        raise InvalidUserState("user_state is not a JSON object")
    text = text_of(value) if isinstance(value, dict) else _text(value)
    if not text.strip():
        raise InvalidUserState("user_state is empty")
    return SentState(*parse_user_state(text))


def _client_tools(value: object) -> tuple[ClientTool, ...]:
    """Parse client_tools: a JSON body may contain the list itself; everywhere else it is JSON text."""
    if isinstance(value, str):
        try:
            value = read_json(value, max_depth=TOOLS_MAX_DEPTH)
        except ValueError:
            raise ValueError("is not a list of tools as JSON") from None
    if not isinstance(value, list):
        raise ValueError("is not a list of tools")
    return tuple(_client_tool(tool, f"[{index}]") for index, tool in enumerate(value))


def _client_tool(tool: object, where: str) -> ClientTool:
    if not isinstance(tool, dict) or not isinstance(name := tool.get("name"), str):
        raise ValueError(f"{where} is not an object with a name")
    sent = {name: value for name, value in tool.items() if value is not None}
    description, parameters = sent.get("description", ""), sent.get("parameters", NO_ARGUMENTS)
    if not isinstance(description, str) or not isinstance(parameters, dict):
        raise ValueError(f"{where} needs a description that is text, and parameters that are an object")
    return ClientTool.of_caller(name, description, parameters)


def _cursor(value: object) -> Cursor | None:
    text = _text(value)
    try:
        return Cursor.load(text) if text else None
    except ValueError:
        raise ValueError("is not the X-Next-Cursor of an earlier page") from None


def _printable(key: str) -> str:
    if not (0 < len(key) <= IDEMPOTENCY_KEY_MAX_CHARS and key.isascii() and key.isprintable()):
        raise ValueError(f"is not 1 to {IDEMPOTENCY_KEY_MAX_CHARS} printable ASCII characters")
    return key


Text = Annotated[str, AfterValidator(_without_nul)]
FilledText = Annotated[Text, AfterValidator(_filled)]
ChatMessage = Annotated[
    Text,
    Field(
        description="The text. Longer than MESSAGE_MAX_CHARS (32,000 characters): 413.",
        examples=["What is ETH worth?"],
    ),
]
Slug = Annotated[
    Text, Field(description="The App's slug. Default: the session's App, or the default App.", examples=["default"])
]
PublicKey = Annotated[
    Wallet | None, PlainValidator(lambda value: parse_public_key(_text(value)), json_schema_input_type=Address)
]
State = Annotated[
    SentState | None,
    PlainValidator(_state, json_schema_input_type=UserState),
    Field(
        description="The client's state, as JSON: its wallet, in flat or nested form, and any other fields.",
        examples=[EXAMPLE_STATE],
    ),
]
DeclaredTools = Annotated[
    tuple[ClientTool, ...],
    PlainValidator(_client_tools, json_schema_input_type=ClientTools),
    Field(
        description="Functions that the caller's program runs, as JSON. When the model calls one, the turn waits for "
        "its result: see `InlineCall`. The App must allow it."
    ),
]
Ignored = Annotated[object, WithJsonSchema({"type": "string"}), Field(description="Accepted and ignored.")]
LastSeen = Annotated[
    Text, Field(description="The id of the last message that the client has; only later messages are returned.")
]
EventCount = Annotated[
    int,
    BeforeValidator(_whole_number),
    _at_most(1_000),
    Field(ge=1, description="The number of events, at most 1,000."),
]
UsageDays = Annotated[
    int,
    BeforeValidator(_whole_number),
    _at_most(366),
    Field(ge=1, description="How many days, including today; at most 366."),
]
PageSize = Annotated[
    int,
    BeforeValidator(_whole_number),
    _at_most(200),
    Field(ge=1, description="The number of sessions per page, at most 200."),
]
PageCursor = Annotated[
    Cursor | None,
    PlainValidator(_cursor, json_schema_input_type=str),
    Field(description="The `X-Next-Cursor` of the previous page."),
]
SessionTitle = Annotated[
    Text,
    Field(min_length=1, max_length=TITLE_MAX_CHARS, examples=["ETH price check"]),
    AfterValidator(lambda title: _filled(title).strip()),
]
ModelName = Annotated[Text, Field(description="Required. The model's name.", examples=["gpt-5"])]
ProvableAddress = Annotated[str, PlainValidator(_address, json_schema_input_type=Address)]
ProvableChain = Annotated[ChainId, BeforeValidator(_chain_id)]
TokenApp = Annotated[FilledText, Field(description="The slug of the App that it opens.", examples=["default"])]
TokenSession = Annotated[
    UUID | None,
    PlainValidator(_session_id, json_schema_input_type=str),
    Field(description="The only session that it opens; left out: any of the App.", examples=[EXAMPLE_SESSION]),
]
TokenWallet = Annotated[
    str | None,
    PlainValidator(lambda value: _address(value).lower(), json_schema_input_type=Address),
    Field(description="The wallet of the user, whose sessions are the only ones that it opens; left out: any."),
]
TokenOrigin = Annotated[
    str | None,
    PlainValidator(_origin, json_schema_input_type=str),
    Field(
        description="The only website whose pages may send it; left out: any, and programs too.",
        examples=["https://www.example.com"],
    ),
]
TokenSeconds = Annotated[
    int,
    PlainValidator(_token_seconds, json_schema_input_type=int),
    Field(description="For how many seconds it works.", ge=1, le=MAX_SECONDS),
]
Domain = Annotated[Text, Field(description="The host of the page that requests the signature. Default: this host.")]
PageUri = Annotated[
    Text,
    Field(
        max_length=URI_MAX_CHARS, description="The page that requests the signature. Default: the root of the domain."
    ),
]
SignInMessage = Annotated[FilledText, Field(description="The text of the challenge, exactly as it was signed.")]
Signature = Annotated[
    FilledText, Field(description="The signature of `message` by `personal_sign`: 0x and hexadecimal digits.")
]
IdempotencyKey = Annotated[
    str,
    AfterValidator(_printable),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX_CHARS, "pattern": "^[ -~]+$"}),
]
