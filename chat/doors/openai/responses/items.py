"""The items of responses and conversations."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rest_framework.request import Request

from chat.doors.openai.call_ids import APPROVAL, make_call_id, read_call_id
from chat.doors.openai.errors import InvalidParameter
from chat.doors.openai.responses.ids import CALL_ITEM, OUTPUT_ITEM, message_item_id
from chat.turns.output.message_body import message_bodies
from chat.wire.sessions import Citation, Message
from sessions_app.open_calls import OpenCall
from sessions_app.questions import OF_CLIENT
from sessions_app.turns.responses import ResponseRecord
from sessions_app.values import Session, StoredMessage

MAX_PAGE, PAGE = 100, 20


def text_item(message: Message, *, status: str = "completed") -> dict[str, Any]:
    """Return a message of the agent."""
    content = {"type": "output_text", "text": message["content"], "annotations": _annotations(message), "logprobs": []}
    item_id = message_item_id(message["id"])
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": [content]}


def question_item(session_id: uuid.UUID, call: OpenCall, label: str) -> dict[str, Any]:
    """Return a call that waits for the client.

    Args:
        session_id: its session.
        call: the call, which a question is about.
        label: the name of the server for a call that only needs an approval.
    """
    question = call.confirmation or ""
    named = {"name": call.name, "arguments": call.arguments}
    if call.kind not in OF_CLIENT:
        item_id = make_call_id(session_id, question, APPROVAL)
        return {"id": item_id, "type": "mcp_approval_request", "server_label": label, **named}
    return {
        "id": f"{CALL_ITEM}{uuid.UUID(question).hex}",
        "type": "function_call",
        "status": "completed",
        "call_id": make_call_id(session_id, question),
        **named,
    }


def input_item(message: StoredMessage) -> dict[str, Any]:
    """Return a message of the user or of the system."""
    content = [{"type": "input_text", "text": message.content}]
    item_id = message_item_id(message.id)
    return {"id": item_id, "type": "message", "role": message.role, "status": "completed", "content": content}


def answer_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer of the client with an id, since clients may leave the id out."""
    if item["type"] == "mcp_approval_response":
        return {"id": f"{item['approval_request_id']}_response", **item}
    named = read_call_id(str(item["call_id"]))
    question = uuid.UUID(named[1]) if named else uuid.uuid4()
    return {"id": f"{OUTPUT_ITEM}{question.hex}", "status": "completed", **item}


def conversation_items(
    session: Session, records: Mapping[uuid.UUID, Sequence[ResponseRecord]]
) -> Iterator[dict[str, Any]]:
    """Yield a session as items; calls of the App's own tools are not part of a conversation.

    Args:
        session: the session.
        records: the requests of its turns.
    """
    return (item for _, item in items_of_messages(session, records))


def items_of_messages(
    session: Session, records: Mapping[uuid.UUID, Sequence[ResponseRecord]]
) -> Iterator[tuple[StoredMessage, dict[str, Any]]]:
    """Yield a session as items, each with its message; arguments as for `conversation_items`."""
    known: dict[tuple[uuid.UUID | None, str, str], Mapping[str, Any]] = {
        (turn_id, question["name"], question["arguments"]): question
        for turn_id, of_turn in records.items()
        for record in of_turn
        for question in record.questions
        if question["type"] == "function_call"
    }
    for message, body in zip(session.messages, message_bodies(session.messages), strict=True):
        if message.role == "agent":
            yield message, text_item(body)
        elif message.role != "tool":
            yield message, input_item(message)
        elif question := known.get((message.turn_id, message.tool_name, message.tool_arguments)):
            yield message, dict(question)
            yield message, answer_item(_output(question["call_id"], message))
        elif message.turn_id is None:
            yield message, _call(message)
            item_id = f"{OUTPUT_ITEM}{message.id.hex}"
            yield message, {"id": item_id, "status": "completed", **_output(message.tool_call_id, message)}


def page(request: Request, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the part of a list that a request asks for by `after`, `limit` and `order`.

    Args:
        request: the request.
        items: the list, the oldest item first.

    Raises:
        InvalidParameter: one of these parameters cannot be used.
    """
    query = request.query_params
    order, after, limit = query.get("order", "desc"), query.get("after"), query.get("limit", str(PAGE))
    if order not in {"asc", "desc"}:
        raise InvalidParameter("order", 'it is neither "asc" nor "desc"')
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= MAX_PAGE):
        raise InvalidParameter("limit", f"it is not a number from 1 to {MAX_PAGE}")
    sorted_items = list(items if order == "asc" else reversed(items))
    if after is not None:
        start = next((index for index, item in enumerate(sorted_items) if item["id"] == after), None)
        if start is None:
            raise InvalidParameter("after", "this list has no such item")
        sorted_items = sorted_items[start + 1 :]
    shown = sorted_items[: int(limit)]
    ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
    return {"object": "list", "data": shown, **ends, "has_more": len(sorted_items) > len(shown)}


def _annotations(message: Message) -> list[dict[str, Any]]:
    return [_annotation(citation, message["content"]) for citation in message["citations"]]


def _annotation(citation: Citation, text: str) -> dict[str, Any]:
    """Return a citation, at the first position of its marker in the text; `place` and `marker` extend the protocol."""
    document, marker = citation["document"], citation["marker"]
    cited = re.search(rf"[\[【][^\]】]*\b{marker}\b", text)
    return {
        "type": "file_citation",
        "file_id": document,
        "filename": document,
        "index": cited.start() if cited else 0,
        "place": citation["place"],
        "marker": marker,
    }


def _call(message: StoredMessage) -> dict[str, Any]:
    return {
        "id": f"{CALL_ITEM}{message.id.hex}",
        "type": "function_call",
        "status": "completed",
        "call_id": message.tool_call_id,
        "name": message.tool_name,
        "arguments": message.tool_arguments,
    }


def _output(call_id: str, message: StoredMessage) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": message.content}
