"""Requests to the user's wallet, which models make with the tools of apps_registry/builtin_tools/wallet_requests.py.

Each has a number that its session never uses again: clients name it in their answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID, uuid5

from apps_registry.support.wallet_addresses import checksummed
from apps_registry.tools.base import Tool, ToolError
from apps_registry.values import AppConfig
from chat.turns.input.options import TurnOptions
from sessions_app.open_calls import OpenCall
from sessions_app.questions import OF_WALLET, QuestionKind
from sessions_app.user_state import PENDING_EIP712S, PENDING_TXS
from sessions_app.values import StoredMessage, Wallet

NO_WALLET = "the user has connected no wallet to this conversation"
NOT_PROVEN = "the user has not proven that the wallet is theirs; they must sign in with it first"
NO_CHAIN = "chain_id is missing, and the user's wallet names no chain"
WEI_DIGITS = 18
FUNCTION_CHARS = len("0x12345678")
_NAMESPACE = UUID("3c9a2f0e-0f44-4a53-b0a2-9c7d2f5e6b18")


def bound_to_wallet(tools: Sequence[Tool], wallet: Wallet | None, *, may_be_claimed: bool) -> tuple[Tool, ...]:
    """Return tools of which those that ask the wallet refuse calls unless the session has one that may be asked.

    Args:
        tools: the App's tools.
        wallet: the session's wallet.
        may_be_claimed: whether a wallet will do whose ownership is not proven.
    """
    return tuple(_bound(tool, wallet, may_be_claimed) if tool.question in OF_WALLET else tool for tool in tools)


def tools_of_turn(app: AppConfig, options: TurnOptions, wallet: Wallet | None) -> Sequence[Tool]:
    """Return the App's tools that a turn may call.

    Args:
        app: the App.
        options: the turn's; a client that cannot run tools is offered none that it would have to run.
        wallet: the session's.
    """
    if not app.has_client_tools:
        return app.tools
    if not options.has_client_tools:
        return [tool for tool in app.tools if not tool.runs_at_client]
    return bound_to_wallet(app.tools, wallet, may_be_claimed=app.claimed_wallets_may_sign)


def question_id(session_id: UUID, kind: str, number: int) -> str:
    """Return the id of the question that a numbered request of a session is."""
    return str(uuid5(_NAMESPACE, f"{session_id} {kind} {number}"))


def number_of(name: str, messages: Iterable[StoredMessage], earlier_calls: Iterable[OpenCall]) -> int:
    """Return a number that no other request of the session has: each becomes a message that is kept.

    Args:
        name: the tool's.
        messages: of the session so far.
        earlier_calls: the calls before this one that are no message yet.
    """
    return 1 + sum(message.tool_name == name for message in messages) + sum(call.name == name for call in earlier_calls)


def as_request(
    call: OpenCall, arguments: Mapping[str, Any], session_id: UUID, wallet: Wallet, *, number: int
) -> OpenCall:
    """Return a call as a request to the wallet, with its number.

    Args:
        call: the call, whose question has a kind.
        arguments: its checked arguments.
        session_id: the session.
        wallet: its wallet.
        number: of the request; see `number_of`.
    """
    kind = call.kind or QuestionKind.WALLET_TX
    request = {**arguments, "number": number, "from": checksummed(wallet.address)}
    return replace(call, confirmation=question_id(session_id, kind, number), request=request)


def payload(kind: QuestionKind, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of the system event that puts a request to the client."""
    number, description = request["number"], request["description"]
    if kind is QuestionKind.WALLET_EIP712:
        return {"typed_data": request["typed_data"], "description": description, "pending_eip712_id": number}
    transaction = {name: request[name] for name in ("to", "value", "data", "chain_id")}
    return {"tx_ids": [number], **transaction, "description": description}


def pending(open_calls: Iterable[OpenCall]) -> dict[str, dict[str, Any]]:
    """Return what a turn waits for of the wallet, as clients find it in `user_state`; empty if nothing."""
    by_kind: dict[str, dict[str, Any]] = {}
    for call in open_calls:
        if call.kind in OF_WALLET and call.request is not None and call.result is None:
            name = PENDING_TXS if call.kind is QuestionKind.WALLET_TX else PENDING_EIP712S
            by_kind.setdefault(name, {})[str(call.request["number"])] = _pending(call.request)
    return by_kind


def _bound(tool: Tool, wallet: Wallet | None, may_be_claimed: bool) -> Tool:
    def check(arguments: Any) -> Mapping[str, Any]:
        if wallet is None:
            raise ToolError(NO_WALLET)
        if not (wallet.is_proven or may_be_claimed):
            raise ToolError(NOT_PROVEN)
        checked = tool.checked(arguments)
        if tool.question != QuestionKind.WALLET_TX:
            return checked
        chain_id = checked.get("chain_id", wallet.chain_id)
        if chain_id is None:
            raise ToolError(NO_CHAIN)
        return {**checked, "chain_id": chain_id}

    return replace(tool, check=check)


def _pending(request: Mapping[str, Any]) -> dict[str, Any]:
    if "typed_data" in request:
        return {"typed_data": request["typed_data"], "description": request["description"]}
    kind = "transfer" if request["data"] == "0x" else "contract_call"
    named = {name: request[name] for name in ("to", "value", "data", "chain_id", "from")}
    return {**named, "label": _label(request), "kind": kind}


def _label(request: Mapping[str, Any]) -> str:
    """Say what a transaction does, from what it holds: the model's description may say anything."""
    with localcontext(prec=100):
        amount = Decimal(request["value"]).scaleb(-WEI_DIGITS)
    text = f"{amount.normalize():f} of the chain's currency to {request['to']}"
    size = len(request["data"]) // 2 - 1
    if not size:
        return text
    return f"{text}, with {size} bytes of calldata beginning {request['data'][:FUNCTION_CHARS]}"
