"""The fields of requests: their validation, and their descriptions in the OpenAPI document."""

from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from chat.wire.values import EXAMPLE_STATE
from chat.wire.wallets import Address, ChainId, UserState
from sessions_app.listing import Cursor
from sessions_app.user_state import (
    CHAIN_ID_MAX,
    InvalidUserState,
    parse_public_key,
    parse_user_state,
    parse_wallet,
    text_of,
)
from sessions_app.values import Wallet
from sessions_app.wallets.addresses import is_mistyped

TITLE_MAX_CHARS = 200
IDEMPOTENCY_KEY_MAX_CHARS = 255
URI_MAX_CHARS = 2_000
CHAIN_ID_MAX_DIGITS = len(str(CHAIN_ID_MAX))


class SentState(NamedTuple):
    """A `user_state` as the client sent it, and the wallet in it."""

    text: str
    wallet: Wallet | None


def _without_nul(text: str) -> str:
    if "\x00" in text:  # Postgres cannot store it
        raise ValueError("has a NUL character")
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
        raise ValueError("is not a whole number from 1")
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
        raise ValueError("is of mixed case and contradicts its EIP-55 checksum")
    return address


def _state(value: Any) -> SentState:
    """Parse a user_state: a JSON body may contain the object itself; everywhere else it is JSON text."""
    if not isinstance(value, dict | str):
        raise InvalidUserState("user_state is not a JSON object")
    text = text_of(value) if isinstance(value, dict) else _text(value)
    if not text.strip():
        raise InvalidUserState("user_state is empty")
    return SentState(*parse_user_state(text))


def _cursor(value: object) -> Cursor | None:
    text = _text(value)
    try:
        return Cursor.load(text) if text else None
    except ValueError:
        raise ValueError("is not one that an earlier page gave") from None


def _printable(key: str) -> str:
    if not (0 < len(key) <= IDEMPOTENCY_KEY_MAX_CHARS and key.isascii() and key.isprintable()):
        raise ValueError(f"is not 1 to {IDEMPOTENCY_KEY_MAX_CHARS} printable ASCII characters")
    return key


Text = Annotated[str, AfterValidator(_without_nul)]
FilledText = Annotated[Text, AfterValidator(_filled)]
ChatMessage = Annotated[
    Text,
    Field(
        description="What is longer than MESSAGE_MAX_CHARS (32,000) is refused with 413.",
        examples=["What is ETH worth?"],
    ),
]
Slug = Annotated[
    Text, Field(description="The App's slug; left out: the session's, else the default App.", examples=["default"])
]
PublicKey = Annotated[
    Wallet | None, PlainValidator(lambda value: parse_public_key(_text(value)), json_schema_input_type=Address)
]
State = Annotated[
    SentState | None,
    PlainValidator(_state, json_schema_input_type=UserState),
    Field(
        description="What the client says of itself, as JSON: its wallet in flat or nested form, and whatever else.",
        examples=[EXAMPLE_STATE],
    ),
]
Ignored = Annotated[object, WithJsonSchema({"type": "string"}), Field(description="Accepted and ignored.")]
LastSeen = Annotated[Text, Field(description="The id of the last message seen; only later ones are shown.")]
EventCount = Annotated[
    int, BeforeValidator(_whole_number), _at_most(1_000), Field(ge=1, description="How many; 1,000 at the most.")
]
UsageDays = Annotated[
    int, BeforeValidator(_whole_number), _at_most(366), Field(ge=1, description="How many, with today; 366 at most.")
]
PageSize = Annotated[
    int, BeforeValidator(_whole_number), _at_most(200), Field(ge=1, description="Sessions a page; 200 at the most.")
]
PageCursor = Annotated[
    Cursor | None,
    PlainValidator(_cursor, json_schema_input_type=str),
    Field(description="`X-Next-Cursor` of the page before."),
]
SessionTitle = Annotated[
    Text,
    Field(min_length=1, max_length=TITLE_MAX_CHARS, examples=["ETH price check"]),
    AfterValidator(lambda title: _filled(title).strip()),
]
ModelName = Annotated[Text, Field(description="Required. The model's name.", examples=["gpt-5"])]
ProvableAddress = Annotated[str, PlainValidator(_address, json_schema_input_type=Address)]
ProvableChain = Annotated[ChainId, BeforeValidator(_chain_id)]
Domain = Annotated[Text, Field(description="Host of the page that asks; left out: the host called.")]
PageUri = Annotated[
    Text, Field(max_length=URI_MAX_CHARS, description="The page that asks; left out: the domain's root.")
]
SignInMessage = Annotated[FilledText, Field(description="The text of the challenge, as it was signed.")]
Signature = Annotated[FilledText, Field(description="Of `message`, as `personal_sign` makes it: 0x…")]
IdempotencyKey = Annotated[
    str,
    AfterValidator(_printable),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX_CHARS, "pattern": "^[ -~]+$"}),
]
