"""The JSON of questions to clients and of their answers; see sessions_app/questions.py."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson

from apps_registry.support.text.outside_text import dump_storable, storable
from apps_registry.tools.arguments import dump_arguments, read_arguments
from chat.turns.output.message_body import iso
from chat.turns.output.results import visible_result
from chat.turns.pausing.wallet_requests import payload, question_id
from sessions_app.questions import Answer, Question, QuestionKind


class InvalidAnswer(ValueError):
    """The message is meant as an answer but is malformed; the exception's text says what to send."""


def question_event(question: Question) -> str:
    """Return the JSON payload of the system event (an InlineCall) that asks a question."""
    if question.request is not None:
        return orjson.dumps({"type": question.kind, "payload": payload(question.kind, question.request)}).decode()
    about_call = {
        "call_id": question.id,
        "tool": question.tool,
        "arguments": orjson.Fragment(dump_arguments(read_arguments(question.arguments))),
        "expires_at": iso(question.expires_at),
    }
    return orjson.dumps({"type": question.kind, "payload": about_call}).decode()


def read_answers(data: object, session_id: UUID) -> list[Answer] | None:
    """Parse a client's answers to questions of a session; return None if the JSON data is something else.

    Raises:
        InvalidAnswer: the data names a kind of question, but its payload is malformed.
    """
    kind = data.get("type") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(kind, str) or kind not in {*ANSWERS, *WALLET_ANSWERS}:
        return None
    payload: Any = data.get("payload")
    fields: Mapping[str, Any] = payload if isinstance(payload, dict) else {}
    if kind in WALLET_ANSWERS:
        # Clients also report transactions that no turn requested.
        return WALLET_ANSWERS[kind](fields, session_id) if WALLET_IDS[kind] in fields else None
    return [ANSWERS[kind](fields)]


def _confirmation(payload: Mapping[str, Any]) -> Answer:
    question_id, is_approved = payload.get("call_id"), payload.get("approved")
    if not isinstance(question_id, str) or not isinstance(is_approved, bool):
        raise InvalidAnswer("message: the payload of confirm_tool is call_id, a text, and approved, true or false.")
    return Answer.to_confirmation(question_id, is_approved=is_approved)


def _client_result(payload: Mapping[str, Any]) -> Answer:
    question_id, names = payload.get("call_id"), payload.keys() & {"result", "error"}
    if not isinstance(question_id, str) or len(names) != 1:
        raise InvalidAnswer("message: the payload of client_tool is call_id, a text, and either result or error.")
    if "error" in payload:
        return Answer.to_client_tool(question_id, result_text({"error": payload["error"]}))
    return Answer.to_client_tool(question_id, result_text(payload["result"]))


def result_text(result: object) -> str:
    """Return a result of a client's tool as text for the model, cut to the length of other results."""
    text = storable(result) if isinstance(result, str) else dump_storable(result)
    return visible_result(text)


def _transaction_sent(payload: Mapping[str, Any], session_id: UUID) -> list[Answer]:
    ids = payload[WALLET_IDS[TX_COMPLETE]]
    if not isinstance(ids, list) or not ids or not all(map(_is_number, ids)):
        raise InvalidAnswer("message: pending_tx_ids must be a list of the numbers of transactions.")
    result = _of_wallet(payload, "txHash", "tx_hash")
    kind = QuestionKind.WALLET_TX
    return [Answer.of_wallet(question_id(session_id, kind, number), kind, result) for number in ids]


def _typed_data_signed(payload: Mapping[str, Any], session_id: UUID) -> list[Answer]:
    number = payload[WALLET_IDS[EIP712_RESPONSE]]
    if not _is_number(number):
        raise InvalidAnswer("message: pending_eip712_id must be the number of a request.")
    kind = QuestionKind.WALLET_EIP712
    result = _of_wallet(payload, "signature", "signature")
    return [Answer.of_wallet(question_id(session_id, kind, number), kind, result)]


def _of_wallet(payload: Mapping[str, Any], name: str, name_for_model: str) -> str:
    """Return what the wallet did, as text for the model. The server has not looked at the chain."""
    status, value = payload.get("status"), payload.get(name)
    if status == "failed":
        reason = payload.get("error")
        return result_text({"status": status, "error": reason if isinstance(reason, str) and reason else "no reason"})
    if status != "success":
        raise InvalidAnswer("message: status must be success or failed.")
    if not isinstance(value, str) or not WALLET_VALUE.fullmatch(value):
        raise InvalidAnswer(f"message: {name} must be 0x and hexadecimal digits.")
    return result_text({"status": status, name_for_model: value, "reported_by": "the user's wallet"})


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


TX_COMPLETE, EIP712_RESPONSE = "wallet:tx_complete", "wallet_eip712_response"
# Contract wallets report longer values than a hash or a signature of a single key.
WALLET_VALUE = re.compile(r"0x[0-9a-fA-F]{1,8192}", re.ASCII)
WALLET_IDS: Mapping[str, str] = {TX_COMPLETE: "pending_tx_ids", EIP712_RESPONSE: "pending_eip712_id"}
WALLET_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], UUID], list[Answer]]] = {
    TX_COMPLETE: _transaction_sent,
    EIP712_RESPONSE: _typed_data_signed,
}
ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
    QuestionKind.CONFIRM_TOOL: _confirmation,
    QuestionKind.CLIENT_TOOL: _client_result,
}
