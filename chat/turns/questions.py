"""The JSON of questions to clients and of their answers; see sessions_app/questions.py."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from apps_registry.support.outside_text import dump_storable, storable
from apps_registry.tools.arguments import dump_arguments, read_arguments
from chat.turns.message_body import iso
from chat.turns.results import visible_result
from sessions_app.questions import Answer, Question, QuestionKind


class InvalidAnswer(ValueError):
    """The message is meant as an answer but is malformed; the exception's text says what to send."""


def question_event(question: Question) -> str:
    """Return the JSON payload of the system event (an InlineCall) that asks a question."""
    payload = {
        "call_id": question.id,
        "tool": question.tool,
        "arguments": orjson.Fragment(dump_arguments(read_arguments(question.arguments))),
        "expires_at": iso(question.expires_at),
    }
    return orjson.dumps({"type": question.kind, "payload": payload}).decode()


def read_answer(data: object) -> Answer | None:
    """Parse a client's answer to a question; return None if the JSON data is something else.

    Raises:
        InvalidAnswer: the data names a kind of question, but its payload is malformed.
    """
    if not isinstance(data, dict) or not isinstance(kind := data.get("type"), str) or kind not in ANSWERS:
        return None
    payload = data.get("payload")
    return ANSWERS[kind](payload if isinstance(payload, dict) else {})


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


ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
    QuestionKind.CONFIRM_TOOL: _confirmation,
    QuestionKind.CLIENT_TOOL: _client_result,
}
