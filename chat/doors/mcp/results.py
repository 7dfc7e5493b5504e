"""The results of tool calls."""

from collections.abc import Sequence
from typing import Any

from chat.doors.mcp.calls import BegunCall
from chat.doors.mcp.messages import RpcMessage
from chat.doors.mcp.protocol import META, SERVER
from chat.doors.mcp.tools import COMPLETED, INTERRUPTED, NEEDS_CONFIRMATION
from chat.doors.outcomes import Outcome, outcome_of
from sessions_app.open_calls import OpenCall

BETWEEN_ROUNDS = "\n\n"
ASKS = (
    "This needs the user's approval: {calls}. Ask the user. If they allow it, call this tool again with this "
    'session_id and the message "yes"; any other message declines it.'
)
FORM = "The assistant wants to make this call: {call}. Do you allow it?"
CONTINUE = "To continue this conversation, pass session_id {session_id}."
APPROVAL = {
    "type": "object",
    "properties": {"approve": {"type": "boolean", "title": "Allow this call", "default": False}},
    "required": ["approve"],
}


def complete(message: RpcMessage, result: dict[str, Any]) -> dict[str, Any]:
    """Return a result in the form that the message's revision requires."""
    if not message.is_stateless:
        return result
    return {"resultType": "complete", **result, "_meta": {f"{META}serverInfo": SERVER, **result.get("_meta", {})}}


async def call_result(message: RpcMessage, begun: BegunCall) -> dict[str, Any]:
    """Return the result of a call whose turn has ended, or waits.

    Raises:
        ModelFailure, NoSuchSession: as for `outcome_of`.
    """
    outcome = await outcome_of(begun.turn_id, begun.session_id, begun.running, after=begun.after)
    if outcome.confirmations and message.can_ask_user:
        return _input_required(begun, outcome.confirmations)
    return complete(message, _answer(begun, outcome))


def error_result(message: RpcMessage, sentence: str, *, code: str, retry_after: str | None) -> dict[str, Any]:
    """Return the result of a call that was refused or failed, for the model that made it.

    Args:
        message: the call.
        sentence: what is wrong.
        code: the error code.
        retry_after: the number of seconds to wait before another attempt, if known.
    """
    text = f"{sentence} Try again in {retry_after} seconds." if retry_after else sentence
    more = {"retryAfter": int(retry_after)} if retry_after else {}
    result = {"content": [_text(text)], "isError": True, "_meta": {"aomi/error": {"code": code, **more}}}
    return complete(message, result)


def _answer(begun: BegunCall, outcome: Outcome) -> dict[str, Any]:
    question = ASKS.format(calls=", ".join(map(_shown, outcome.confirmations))) if outcome.confirmations else ""
    text = BETWEEN_ROUNDS.join(filter(None, [*outcome.texts, question]))
    session_id = str(begun.session_id)
    status = NEEDS_CONFIRMATION if question else INTERRUPTED if outcome.is_interrupted else COMPLETED
    structured = {"session_id": session_id, "status": status, "answer": text, "citations": outcome.citations}
    # Some clients show models only the content, which would then lose the conversation.
    hint = {**_text(CONTINUE.format(session_id=session_id)), "annotations": {"audience": ["assistant"]}}
    return {"content": [_text(text), hint], "structuredContent": structured, "isError": False}


def _input_required(begun: BegunCall, confirmations: Sequence[OpenCall]) -> dict[str, Any]:
    """Return forms for the client's user; the client sends the same call again with the user's answers."""
    requests = {
        call.confirmation: {
            "method": "elicitation/create",
            "params": {
                "mode": "form",
                "message": FORM.format(call=_shown(call)),
                "requestedSchema": APPROVAL,
            },
        }
        for call in confirmations
    }
    return {"resultType": "input_required", "inputRequests": requests, "requestState": str(begun.session_id)}


def _shown(call: OpenCall) -> str:
    return f"{call.name}({call.arguments})"


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
