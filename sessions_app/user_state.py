"""Parses `user_state`, which is stored as the client sent it, and the wallet in it."""

import json
import re
from typing import Any

import orjson

from apps_registry.support.text.plain_json import TooDeep, check_depth, read_json
from apps_registry.support.wallet_addresses import is_mistyped
from sessions_app.values import Wallet

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_KEYS = 1_000
CHAIN_ID_MAX = 2**53 - 1  # the largest integer that every JavaScript client represents exactly
ADDRESS_PATTERN = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


# The requests that wait for the user's wallet: numbers and what is asked.
PENDING_TXS, PENDING_EIP712S = "pending_txs", "pending_eip712s"
SERVERS_KEYS = frozenset({PENDING_TXS, PENDING_EIP712S})
TOO_DEEP = f"user_state is nested more than {MAX_DEPTH} levels deep"


class InvalidUserState(ValueError):
    """The text is not a usable user_state; the message says why."""


def parse_user_state(text: str) -> tuple[str, Wallet | None]:
    """Validate a `user_state` and read the wallet from it, in the flat or the nested form.

    Args:
        text: a JSON object, as the client wrote it.

    Returns:
        The text to store, and the wallet; None instead of a wallet if there is no address.

    Raises:
        InvalidUserState: not JSON, not an object, over a limit, or a malformed address or chain id.
    """
    if len(text.encode()) > MAX_BYTES:
        raise InvalidUserState(f"user_state is longer than {MAX_BYTES} bytes")
    try:
        state = read_json(text, max_depth=MAX_DEPTH)
    except TooDeep:
        raise InvalidUserState(TOO_DEEP) from None
    except ValueError:
        raise InvalidUserState("user_state is not valid JSON") from None
    if not isinstance(state, dict):
        raise InvalidUserState("user_state is not a JSON object")
    _check_keys(state)
    evm = state.get("evm")
    if not SERVERS_KEYS.isdisjoint(state):
        # What waits for the wallet is the server's to say; clients send back what an earlier snapshot said.
        text = json.dumps({key: value for key, value in state.items() if key not in SERVERS_KEYS}, ensure_ascii=False)
    return text, parse_wallet(state) or (parse_wallet(evm) if isinstance(evm, dict) else None)


def text_of(state: dict[str, Any]) -> str:
    """Serialise a `user_state` that a client sent as an object in a JSON body.

    Raises:
        InvalidUserState: it is nested too deeply.
    """
    try:
        check_depth(state, MAX_DEPTH)
    except TooDeep:
        raise InvalidUserState(TOO_DEEP) from None
    return orjson.dumps(state).decode()


def parse_wallet(state: dict[str, Any]) -> Wallet | None:
    """Return the wallet of an object with `address` and `chain_id`; None without an address.

    The checksum of a mixed-case address is not verified here: the state is the client's own record, which we return as
    sent, and real clients send addresses whose case is not a checksum.

    Raises:
        InvalidUserState: the address or the chain id is malformed.
    """
    address, chain_id = state.get("address"), state.get("chain_id")
    if not address:
        return None
    if not isinstance(address, str) or not ADDRESS_PATTERN.fullmatch(address):
        raise InvalidUserState("the wallet address is not 0x and 40 hexadecimal digits")
    is_chain_id = isinstance(chain_id, int) and not isinstance(chain_id, bool) and 0 < chain_id <= CHAIN_ID_MAX
    if chain_id is not None and not is_chain_id:
        raise InvalidUserState(f"chain_id is not a whole number from 1 to {CHAIN_ID_MAX}")
    return Wallet(address.lower(), chain_id)


def parse_public_key(address: str) -> Wallet | None:
    """Return the wallet that a client names by its address alone; None for an empty text.

    Raises:
        InvalidUserState: malformed, or a mixed-case address with a wrong checksum (EIP-55): a mistyped address would
            bind, or list, another person's wallet.
    """
    wallet = parse_wallet({"address": address})
    if wallet is not None and is_mistyped(address):
        raise InvalidUserState("public_key is mistyped: its upper and lower case contradict its checksum (EIP-55)")
    return wallet


def _check_keys(state: dict[str, Any]) -> None:
    entry_count = 0
    level: list[Any] = [state]
    while level:
        entry_count += sum(len(item) for item in level)
        if entry_count > MAX_KEYS:
            raise InvalidUserState(f"user_state has more than {MAX_KEYS} entries")
        level = [child for item in level for child in _children(item) if isinstance(child, dict | list)]


def _children(item: Any) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else list(item)
