"""The JSON of a response: https://www.openresponses.org/specification."""

from typing import Any

from chat.doors.openai.responses.ids import conversation_id, read_conversation_id
from chat.doors.openai.responses.replies import ERROR_CODES, Reply
from sessions_app.turns.responses import ResponseRecord

DEFAULTS: dict[str, Any] = {
    "instructions": None,
    "metadata": {},
    "previous_response_id": None,
    "background": False,
    "tools": [],
    "tool_choice": "auto",
    "temperature": None,
    "top_p": None,
    "max_output_tokens": None,
    "text": {"format": {"type": "text"}},
}


def response_body(response_id: str, record: ResponseRecord, reply: Reply, *, is_stored: bool = True) -> dict[str, Any]:
    """Return a response as clients get it.

    Args:
        response_id: its id.
        record: the request that it answers.
        reply: its state.
        is_stored: whether it can be asked for later.
    """
    request = dict(record.request)
    named = read_conversation_id(request.pop("conversation", ""))
    return {
        "id": response_id,
        "object": "response",
        "created_at": record.created_at,
        "completed_at": reply.completed_at,
        "status": reply.status,
        "error": _error(reply),
        "incomplete_details": {"reason": reply.reason} if reply.reason else None,
        **DEFAULTS,
        **request,
        "conversation": {"id": conversation_id(named)} if named else None,
        "output": list(reply.output),
        "parallel_tool_calls": True,
        "max_tool_calls": None,
        "store": is_stored,
        "truncation": "auto",
        "usage": _usage(reply),
    }


def _error(reply: Reply) -> dict[str, str] | None:
    if reply.error is None:
        return None
    code, sentence = reply.error
    return {"code": ERROR_CODES.get(code, "server_error"), "message": sentence}


def _usage(reply: Reply) -> dict[str, Any] | None:
    if reply.tokens is None:
        return None
    prompt, completion = reply.tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }
