"""The limit: a bare ASGI application that does only the unavoidable work of a turn.

It has the same three statements (the product's own SQL), the same model over aiohttp and the same JSON, but no
framework, no checks, no retries and no events. The difference from the product is the product's own cost.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import orjson
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from keys.reading import READ_KEY
from sessions_app.sql import sessions as sql
from sessions_app.sql import turns as sql_turns
from sessions_app.sql.messages import READ_MESSAGES
from sessions_app.sql.rows import READ_MESSAGE_COLUMNS, SESSION_COLUMNS, reservation_parameters, usage_parameters
from sessions_app.values import Reservation, TurnUsage

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

VERSION, LAST_ACTIVE_AT = map(SESSION_COLUMNS.index, ("version", "last_active_at"))
BODY = tuple(map(READ_MESSAGE_COLUMNS.index, ("id", "role", "content", "created_at")))
MODEL_URL = os.environ.get("BENCH_MODEL_URL", "")
APP_IDS: dict[str, int] = orjson.loads(os.environ.get("BENCH_APP_IDS", "{}"))
PREAMBLE = {"role": "system", "content": "You are a helpful assistant."}
HISTORY_BYTES = 56_000  # equals the product's default budget of 16,000 tokens
KEY_ID = slice(-46, -38)  # sk-<slug>-<8 id><32 secret><6 checksum>
JSON_HEADERS = [(b"content-type", b"application/json")]
SSE_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


@dataclass(slots=True)
class Thread:
    """A session in memory."""

    version: int | None = None  # None: not stored yet
    messages: list[Message] = field(default_factory=list)


class Limit:
    """The state of one worker."""

    pool: AsyncConnectionPool[AsyncConnection[TupleRow]]
    http: aiohttp.ClientSession

    def __init__(self) -> None:
        self.threads: dict[uuid.UUID, Thread] = {}

    async def open(self) -> None:
        kwargs = {"autocommit": True, "application_name": "limit"}
        self.pool = AsyncConnectionPool(
            os.environ["DATABASE_URL"], kwargs=kwargs, min_size=1, max_size=10, timeout=60, open=False
        )
        await self.pool.open()
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Close both."""
        await self.http.close()
        await self.pool.close()

    async def execute(self, statement: str, parameters: Any) -> list[TupleRow]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(statement, parameters)).fetchall()

    async def thread(self, session_id: uuid.UUID) -> Thread:
        """Return the session from memory, otherwise from Postgres, otherwise a new one."""
        thread = self.threads.get(session_id)
        if thread is None:
            thread = self.threads[session_id] = Thread()
            if rows := await self.execute(sql.READ_SESSION, {"session": session_id}):
                stored = await self.execute(READ_MESSAGES, {"session": session_id})
                thread.version = rows[0][1 + VERSION]  # column 0 says whether the worker of its turn is gone
                thread.messages = [_body(*(row[at] for at in BODY)) for row in stored]
        return thread

    async def claim(self, session_id: uuid.UUID, thread: Thread, turn: uuid.UUID, app: str, text: str) -> None:
        """Store the user's message and claim the session, in one statement."""
        message_id = uuid.uuid4()
        parameters = {
            "session": session_id,
            "turn": turn,
            "message": message_id,
            "app": APP_IDS[app],
            "app_key": None,
            "content": text,
            "idempotency_key": None,
            "title": text[:60],
            "user_state": None,
            "lease": 10.0,
            "wallet_address": None,
            "wallet_chain_id": None,
            "version": thread.version,
            "release": None,
            "keeps_release": False,
            "channel": "live",
            "options": None,
            "is_stateless": False,
            "wallet_is_proven": False,
            "admission": None,
            **reservation_parameters(Reservation()),
        }
        statement = sql_turns.CLAIM_NEW_SESSION if thread.version is None else sql_turns.CLAIM_SESSION
        row = (await self.execute(statement, parameters))[0]
        thread.version = row[VERSION]
        thread.messages.append(_body(message_id, "user", text, row[LAST_ACTIVE_AT]))

    async def finish(
        self, session_id: uuid.UUID, thread: Thread, turn: uuid.UUID, text: str, usage: Mapping[str, int]
    ) -> None:
        """Store the reply and release the session, in one statement."""
        message_id, now = uuid.uuid4(), datetime.now(UTC)
        counts = TurnUsage(prompt_tokens=usage["prompt_tokens"], completion_tokens=usage["completion_tokens"])
        used = usage_parameters(counts, Reservation())
        parameters = {"session": session_id, "turn": turn, **_outcome(message_id, text, now), **used}
        thread.version = (await self.execute(sql_turns.FINISH_TURN, parameters))[0][0]
        thread.messages.append(_body(message_id, "agent", text, now))

    async def model(self, messages: list[Message]) -> AsyncIterator[Message]:
        """Yield the model's chunks."""
        prompt = [PREAMBLE, *_prompt(messages)]
        options = {"stream": True, "stream_options": {"include_usage": True}}
        body = orjson.dumps({"model": "bench-model", "messages": prompt, **options})
        headers = {"Content-Type": "application/json"}
        async with self.http.post(MODEL_URL + "/chat/completions", data=body, headers=headers) as response:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    yield orjson.loads(line[6:])

    async def turn(self, scope: Message) -> AsyncIterator[str | bytes]:
        """Run a turn; yield the parts of the reply as text, then the snapshot as bytes."""
        headers, query = dict(scope["headers"]), parse_qs(scope["query_string"].decode())
        session_id = uuid.UUID(headers[b"x-session-id"].decode())
        app, text, turn = query["app"][0], query["message"][0], uuid.uuid4()
        key = (await self.execute(READ_KEY, {"lookup_id": headers[b"aomi-app-key"].decode()[KEY_ID]}))[0]
        assert APP_IDS[app] in key[5]
        thread = await self.thread(session_id)
        await self.claim(session_id, thread, turn, app, text)
        pieces: list[str] = []
        usage: dict[str, int] = {}
        async for chunk in self.model(thread.messages):
            if chunk["choices"] and (piece := chunk["choices"][0]["delta"].get("content")):
                pieces.append(piece)
                yield piece
            usage = chunk.get("usage") or usage
        tokens = {name: usage[name] for name in ("prompt_tokens", "completion_tokens")}
        await self.finish(session_id, thread, turn, "".join(pieces), tokens)
        yield orjson.dumps(_snapshot(session_id, app, thread))


def _prompt(messages: list[Message]) -> list[Message]:
    chosen, remaining = [], HISTORY_BYTES
    for message in reversed(messages):
        remaining -= len(message["content"]) + 28
        if remaining < 0:
            break
        role = "user" if message["sender"] == "user" else "assistant"
        chosen.append({"role": role, "content": message["content"]})
    return chosen[::-1]


def _body(id_: uuid.UUID, role: str, content: str, at: datetime) -> Message:
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shape = {"id": str(id_), "sender": role, "content": content, "timestamp": timestamp}
    return {**shape, "is_streaming": False, "tool_result": None, "citations": []}


def _outcome(message_id: uuid.UUID, text: str, now: datetime) -> dict[str, Any]:
    message = {"id": message_id, "role": "agent", "content": text, "created_at": now}
    calls_nothing = {"tool_round": 0, "tool_name": "", "tool_call_id": "", "tool_arguments": ""}
    plain = {"extra": None, "reasoning": ""}
    empty = ("finish_reason", "error_code", "error_detail", "partial_text")
    return {
        **dict.fromkeys(empty, ""),
        **dict.fromkeys(("event_kind", "event_payload", "attempts", "steps")),
        "turn_status": "completed",
        "session_status": "idle",
        "model": "bench-model",
        "tool_rounds": 0,
        "first_token_ms": 0,
        "message_count": 1,
        "messages": orjson.dumps([{**message, **calls_nothing, **plain}]).decode(),
    }


def _snapshot(session_id: uuid.UUID, app: str, thread: Thread) -> Message:
    state = {"status": "idle", "is_processing": False, "title": thread.messages[0]["content"][:60]}
    rest = {"messages": thread.messages, "system_events": [], "user_state": None}
    return {"session_id": str(session_id), "app": app, **state, **rest}


limit = Limit()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Serve one connection of the ASGI protocol."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/api/chat":
        accepts_stream = any(value == b"text/event-stream" for name, value in scope["headers"] if name == b"accept")
        await (_stream(scope, send) if accepts_stream else _answer(scope, send))
    elif scope["path"] == "/api/updates":
        await _start(send, SSE_HEADERS)
        await send({"type": "http.response.body", "body": b": connected\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
    else:
        await _whole(send, b'{"status":"ok"}')


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await limit.open()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await limit.close()
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(scope: Message, send: Send) -> None:
    *_, snapshot = [part async for part in limit.turn(scope)]
    await _whole(send, snapshot)


async def _stream(scope: Message, send: Send) -> None:
    await _start(send, SSE_HEADERS)
    async for part in limit.turn(scope):
        event = {"type": "text", "content": part} if isinstance(part, str) else orjson.Fragment(part)
        line = b"data: " + orjson.dumps(event) + b"\n\n"
        await send({"type": "http.response.body", "body": line, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _whole(send: Send, body: str | bytes) -> None:
    await _start(send, JSON_HEADERS)
    await send({"type": "http.response.body", "body": body})
