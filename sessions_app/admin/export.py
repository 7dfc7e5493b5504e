"""A session as a file, JSON or Markdown, with whole texts; read in pieces, since it may be large."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse

from sessions_app.models import ChatSession, Message, Turn
from sessions_app.queries.transcript import pretty_json

MESSAGES_PER_PIECE = 20
TURNS_PER_PIECE = 500
KINDS = {"json": "application/json", "md": "text/markdown; charset=utf-8"}
MESSAGE_FIELDS = (
    *("id", "position", "role", "content", "turn_id", "tool_round", "tool_name", "tool_call_id", "tool_arguments"),
    *("reasoning", "created_at"),
)
TURN_FIELDS = (
    *("id", "app__slug", "app_key_id", "model", "status", "finish_reason", "error_code", "error_detail"),
    *("prompt_tokens", "completion_tokens", "tool_rounds", "first_token_ms", "cost", "attempts"),
    *("started_at", "finished_at"),
)


def export(session: ChatSession, kind: str, *, with_turns: bool) -> StreamingHttpResponse:
    """Return the download of a session.

    Args:
        session: the session.
        kind: a key of KINDS.
        with_turns: whether the operator may see turns.
    """
    pieces = _as_json(session, with_turns=with_turns) if kind == "json" else _as_markdown(session)
    name = f"conversation-{session.pk}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(pieces, content_type=KINDS[kind], headers=headers)


async def _as_json(session: ChatSession, *, with_turns: bool) -> AsyncIterator[bytes]:
    facts = {
        "id": session.pk,
        "app": session.app.slug if session.app else None,
        "title": session.title,
        "status": session.status,
        "is_archived": session.is_archived,
        "wallet_address": session.wallet_address,
        "wallet_chain_id": session.wallet_chain_id,
        "wallet_is_proven": session.wallet_is_proven,
        "user_state": session.user_state,
        "created_at": session.created_at,
        "last_active_at": session.last_active_at,
    }
    yield f'{{"session": {_dump(facts)}'.encode()
    if with_turns:
        async for piece in _list("turns", Turn.objects.filter(session=session), TURN_FIELDS, TURNS_PER_PIECE):
            yield piece
    async for piece in _list("messages", _messages(session), MESSAGE_FIELDS, MESSAGES_PER_PIECE):
        yield piece
    yield b"\n}\n"


async def _list(name: str, rows: Any, fields: Sequence[str], size: int) -> AsyncIterator[bytes]:
    yield f',\n"{name}": ['.encode()
    separator = "\n"
    async for piece in _pieces(rows.order_by(*rows.model._meta.ordering).values(*fields), size):
        yield f"{separator}{(',' + chr(10)).join(map(_dump, piece))}".encode()
        separator = ",\n"
    yield b"\n]"


async def _as_markdown(session: ChatSession) -> AsyncIterator[bytes]:
    app = session.app.slug if session.app else "none"
    yield f"# {session.title or 'Conversation'}\n\nSession {session.pk}, App {app}\n".encode()
    async for piece in _pieces(_messages(session).values(*MESSAGE_FIELDS), MESSAGES_PER_PIECE):
        yield "".join(text for message in piece for text in _message(message)).encode()


def _message(message: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {message['role'].title()} · {message['created_at']:%Y-%m-%d %H:%M:%S} UTC\n\n"
    if message["role"] != "tool":
        yield f"{message['content']}\n"
        return
    arguments, result = pretty_json(message["tool_arguments"]), pretty_json(message["content"])
    yield f"{message['tool_name']}, called with:\n\n{_fenced(arguments)}\nResult:\n\n{_fenced(result)}"


def _fenced(text: str) -> str:
    """Return a block of code whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}\n"


def _messages(session: ChatSession) -> Any:
    return Message.objects.filter(session=session).order_by("position")


async def _pieces(rows: Any, size: int) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield rows in lists of `size`; each is read in the thread of the request."""
    start = 0
    while piece := await sync_to_async(lambda begin=start: list(rows[begin : begin + size]))():
        yield piece
        start += size


def _dump(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
