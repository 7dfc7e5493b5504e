"""What requests of the HTTP API carry, in OpenAPI 3.1: headers, and fields of a query string or a body."""

from chat.api.parameters import IDEMPOTENCY_KEY_MAX_CHARS, TITLE_MAX_CHARS
from chat.schema.shapes import EXAMPLE_SESSION, EXAMPLE_STATE, EXAMPLE_WALLET, TEXT, UUID, Schema
from sessions_app.user_state import CHAIN_ID_MAX


def header(name: str, description: str, schema: Schema, *, required: bool = False, example: str) -> Schema:
    """Return a parameter object for a request header."""
    place = {"name": name, "in": "header", "required": required}
    return {**place, "description": description, "schema": schema, "example": example}


SESSION_ID = "A UUID that the client made, in the plain 8-4-4-4-12 spelling."
PARAMETERS: dict[str, Schema] = {
    "SessionId": header("X-Session-Id", SESSION_ID, UUID, required=True, example=EXAMPLE_SESSION),
    "OwnSessionId": header("X-Session-Id", "The caller's own session.", UUID, example=EXAMPLE_SESSION),
    "IdempotencyKey": header(
        "Idempotency-Key",
        "The same key in the same session is the same turn, never a second one; with another message or App: 422.",
        {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX_CHARS, "pattern": "^[ -~]+$"},
        example="order-66",
    ),
    "Prefer": header(
        "Prefer", "RFC 7240: `respond-async` answers at once, `wait=N` within N seconds.", TEXT, example="wait=10"
    ),
    "LastEventId": header("Last-Event-ID", "The id of the last event seen.", TEXT, example="0"),
    "PathSessionId": {
        "name": "session_id",
        "in": "path",
        "required": True,
        "description": "The same id as in `X-Session-Id`.",
        "schema": UUID,
        "example": EXAMPLE_SESSION,
    },
}
ADDRESS: Schema = {
    "type": "string",
    "description": "A wallet's address; of mixed case only with its EIP-55 checksum.",
    "pattern": "^0x[0-9a-fA-F]{40}$",
    "examples": [EXAMPLE_WALLET],
}
CHAIN_ID: Schema = {"type": "integer", "minimum": 1, "maximum": CHAIN_ID_MAX, "description": "EIP-155", "examples": [1]}
CONNECTION: dict[str, Schema] = {
    "address": {"anyOf": [ADDRESS, {"type": "null"}]},
    "chain_id": {"anyOf": [CHAIN_ID, {"type": "null"}]},
    "is_connected": {"type": "boolean"},
}
USER_STATE: Schema = {
    "type": "object",
    "description": "What the client says of itself, as JSON: its wallet in flat or nested form, and whatever else.",
    "properties": {
        **CONNECTION,
        "connection": {"type": "object", "properties": {"is_connected": {"type": "boolean"}}},
        "evm": {"type": "object", "properties": CONNECTION},
    },
    "examples": [EXAMPLE_STATE],
}
# Parameters that a call takes in its query string or, by the same name, in its body.
FIELDS: dict[str, Schema] = {
    "message": {
        "type": "string",
        "description": "Required. What is longer than MESSAGE_MAX_CHARS (32,000) is refused with 413.",
        "examples": ["What is ETH worth?"],
    },
    "app": {
        "type": "string",
        "description": "The App's slug; left out: the session's, else the default App.",
        "examples": ["default"],
    },
    "public_key": ADDRESS,
    "user_state": USER_STATE,
    "client_id": {"type": "string", "description": "Accepted and ignored."},
    "since": {"type": "string", "description": "The id of the last message seen; only later ones are shown."},
    "count": {"type": "integer", "minimum": 1, "default": 50, "description": "How many; 1,000 at the most."},
    "limit": {"type": "integer", "minimum": 1, "default": 50, "description": "Sessions a page; 200 at the most."},
    "cursor": {"type": "string", "description": "`X-Next-Cursor` of the page before."},
    "title": {
        "type": "string",
        "minLength": 1,
        "maxLength": TITLE_MAX_CHARS,
        "description": "Required.",
        "examples": ["ETH price check"],
    },
    "rig": {"type": "string", "description": "Required. The model's name.", "examples": ["gpt-5"]},
    "address": {**ADDRESS, "description": f"Required. {ADDRESS['description']}"},
    "chain_id": {**CHAIN_ID, "description": "Required. EIP-155"},
    "domain": {"type": "string", "description": "Host of the page that asks; left out: the host called."},
    "uri": {"type": "string", "description": "The page that asks; left out: the domain's root."},
    "signature": {"type": "string", "description": "Required. Of `message`, as `personal_sign` makes it: 0x…"},
}
