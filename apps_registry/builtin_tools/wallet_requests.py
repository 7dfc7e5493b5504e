"""Built-in tools that ask the user's wallet: to send a transaction, or to sign typed data.

They run at the client. The server checks the form of what the model proposes, and neither simulates, estimates nor
sends anything.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from apps_registry.builtin_tools.typed_data import (
    HEX,
    MAX_CHARS,
    SAFE_INTEGER,
    InvalidTypedData,
    check_address,
    check_typed_data,
)
from apps_registry.support.text.visible_text import visible_line
from apps_registry.support.wallet_addresses import checksummed
from apps_registry.tools.base import Tool, ToolContext, ToolError, check_arguments

TRANSACTION, TYPED_DATA = "wallet_tx_request", "wallet_eip712_request"
DATA_MAX_CHARS = 32_000
DESCRIPTION_MAX_CHARS = 500
# Existing clients send requests back with the user's state, in query strings of at most 60,000 bytes.
VALUE_MAX = 2**256 - 1
_WEI = re.compile(r"\d{1,78}", re.ASCII)
_DESCRIPTION = {
    "type": "string",
    "description": "What it does and why, for the user, in one or two sentences.",
}
_CHAIN = {"type": "integer", "description": "The EIP-155 chain id. Without it: the chain of the user's wallet."}


def _only_at_the_client(_arguments: Mapping[str, Any], _context: ToolContext) -> Any:
    raise ToolError("the user's wallet has not answered")


def _checked_transaction(arguments: Any) -> Mapping[str, Any]:
    """Return a proposed transaction: an address with its checksum, wei as decimal digits, lower-case calldata.

    Raises:
        ToolError: an argument is missing or has another form.
    """
    given = check_arguments(WALLET_TX_REQUEST.parameters, arguments)
    value, data = given.get("value", "0"), given.get("data", "0x")
    if not _WEI.fullmatch(value) or int(value) > VALUE_MAX:
        raise ToolError("value must be an amount in wei as decimal digits, such as 1000000000000000000 for 1 ether")
    if len(data) > DATA_MAX_CHARS or not HEX.fullmatch(data):
        raise ToolError(f"data must be 0x and pairs of hexadecimal digits, at most {DATA_MAX_CHARS} characters")
    try:
        to = checksummed(check_address(given["to"], "to"))
    except InvalidTypedData as error:
        raise ToolError(str(error)) from None
    chain = {"chain_id": _checked_chain(given["chain_id"])} if "chain_id" in given else {}
    return {"to": to, "value": str(int(value)), "data": data.lower(), **chain, "description": _described(given)}


def _checked_signature(arguments: Any) -> Mapping[str, Any]:
    """Return typed data to sign.

    Raises:
        ToolError: it is not typed data of EIP-712.
    """
    if not isinstance(arguments, Mapping) or arguments.keys() != {"typed_data", "description"}:
        raise ToolError("This tool takes: typed_data, description.")
    if not isinstance(arguments["description"], str):
        raise ToolError('The argument "description" must be a string.')
    try:
        if len(orjson.dumps(arguments["typed_data"])) > MAX_CHARS:
            raise ToolError(f"typed_data is longer than {MAX_CHARS} characters")
        typed_data = check_typed_data(arguments["typed_data"])
    except InvalidTypedData as error:
        raise ToolError(str(error)) from None
    except TypeError:  # orjson refuses integers of more than 64 bits
        raise ToolError("typed_data has a number beyond 2^53; write it as a text") from None
    return {"typed_data": typed_data, "description": _described(arguments)}


def _checked_chain(chain_id: int) -> int:
    if not 0 < chain_id <= SAFE_INTEGER:
        raise ToolError(f"chain_id must be a whole number from 1 to {SAFE_INTEGER}")
    return chain_id


def _described(arguments: Mapping[str, Any]) -> str:
    description = visible_line(arguments["description"])[:DESCRIPTION_MAX_CHARS].strip()
    if not description:
        raise ToolError("description is empty; say what the user is asked for")
    return description


WALLET_TX_REQUEST = Tool(
    TRANSACTION,
    "Ask the user's wallet to sign and send one transaction; the user sees it and may refuse. Returns the transaction "
    "hash that the wallet reports, or why there is none. Nothing is simulated: check amounts and addresses first.",
    {
        "type": "object",
        "properties": {
            "to": {"type": "string", "description": "The recipient or contract: 0x and 40 hexadecimal digits."},
            "value": {"type": "string", "description": "The amount of the chain's currency in wei, decimal digits."},
            "data": {"type": "string", "description": "The calldata: 0x and hexadecimal digits; 0x for none."},
            "chain_id": _CHAIN,
            "description": _DESCRIPTION,
        },
        "required": ["to", "description"],
        "additionalProperties": False,
    },
    _only_at_the_client,
    check=_checked_transaction,
    runs_at_client=True,
    question=TRANSACTION,
)
WALLET_EIP712_REQUEST = Tool(
    TYPED_DATA,
    "Ask the user's wallet to sign typed data (EIP-712), such as a permit or an order; the user sees it and may "
    "refuse. Returns the signature, or why there is none.",
    {
        "type": "object",
        "properties": {
            "typed_data": {
                "type": "object",
                "description": "An object with types, primaryType, domain and message. Integers beyond 2^53 are texts.",
                "additionalProperties": True,
            },
            "description": _DESCRIPTION,
        },
        "required": ["typed_data", "description"],
        "additionalProperties": False,
    },
    _only_at_the_client,
    check=_checked_signature,
    runs_at_client=True,
    question=TYPED_DATA,
)
