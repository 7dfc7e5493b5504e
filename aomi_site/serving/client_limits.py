"""Limits for client connections: time for the head and body of a request, and the number of connections per worker.

uvicorn waits indefinitely for the rest of a request, and accepts connections until the process has no descriptors left.
"""

import asyncio
import enum
import logging
import math
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from apps_registry.support.descriptors import budget
from apps_registry.support.http.request_ids import begin_request
from chat.api.error_codes import STATUS

logger = logging.getLogger("aomi.connections")

# From the first byte, or from the start of the connection, to the blank line.
HEAD_SECONDS = 10.0
# Between two pieces of a body, and for the whole body; a long body gets one more second per BODY_BYTES_PER_SECOND.
BODY_PIECE_SECONDS = 15.0
BODY_SECONDS = 60.0
BODY_BYTES_PER_SECOND = 16 * 1024
# From when we close a connection until the client does.
LINGER_SECONDS = 10.0
SWEEP_SECONDS = 1.0
# A connection that has been idle for less than this may have a request in transit.
YOUNG_SECONDS = 1.0
# The maximum number of refused connections that wait for their request, each until the next sweep.
REFUSALS_MAX = 16
LOG_SECONDS = 10.0


class Phase(enum.Enum):
    """What the server waits for."""

    NOTHING_YET = enum.auto()  # the first byte of a new connection
    HEAD = enum.auto()
    BODY = enum.auto()
    ANSWER = enum.auto()  # the server's own answer
    NEXT_REQUEST = enum.auto()
    CLOSING = enum.auto()  # the client has to read what was written


# In these phases a connection ends without a response, because there was no request.
SILENT = frozenset({Phase.NOTHING_YET, Phase.NEXT_REQUEST})


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A response, as `application/problem+json`, to a request that reaches no application."""

    code: str
    detail: str
    headers: tuple[str, ...] = ()

    def __bytes__(self) -> bytes:
        """Return the response with a new request id."""
        from chat.api.errors import problem  # noqa: PLC0415 - needs Django, which gunicorn's master does not set up

        request_id = begin_request()
        content = orjson.dumps(problem(self.code, self.detail))
        lines = [
            "content-type: application/problem+json",
            f"content-length: {len(content)}",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            f"x-request-id: {request_id}",
            "connection: close",
            *self.headers,
            "\r\n",
        ]
        return STATUS_LINE[STATUS[self.code]] + "\r\n".join(lines).encode() + content


TOO_SLOW = RawAnswer("request_timeout", "The request did not arrive in time.")
MALFORMED = RawAnswer("invalid_request", "The request is not HTTP/1.1, or its head is over the limit.")
FULL = RawAnswer("overloaded", "The server has no connection left; try again shortly.", ("retry-after: 5",))


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with deadlines for requests, and a limit for connections.

    A single sweep per second checks all connections, because a timer per request would cost too much.
    """

    _sweeper: ClassVar[asyncio.TimerHandle | None] = None
    # Connections without a complete head, with their start times, oldest first: new ones replace them.
    _waiting: ClassVar[dict["LimitedHttpProtocol", float]] = {}
    _logged_at: ClassVar[float] = -math.inf

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._phase = Phase.NOTHING_YET
        self._deadline = math.inf
        self._body_began = 0.0
        self._body_length = 0
        self._is_refused = False

    # --- The limit of connections --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection; at the limit, close one that waits for its client, or refuse this one."""
        super().connection_made(transport)
        self._expect(Phase.NOTHING_YET, HEAD_SECONDS)
        self._start_sweeping()
        over = len(self.connections) - budget().connections
        if over > 0 and not self._close_oldest():
            self._refuse(at_once=over > REFUSALS_MAX)
        self._waiting[self] = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def _refuse(self, *, at_once: bool) -> None:
        """Respond with 503 once the request arrives: a client that is still sending might miss an earlier response."""
        self._is_refused = True
        self._deadline = self.loop.time() + SWEEP_SECONDS
        if at_once:
            self._end(FULL)

    def _close_oldest(self) -> bool:
        self._log_full()
        oldest = next((other for other in self._waiting if not other.transport.is_closing()), None)
        if oldest is None or self.loop.time() - self._waiting[oldest] < YOUNG_SECONDS:
            return False
        del self._waiting[oldest]
        oldest.transport.close()
        return True

    def _log_full(self) -> None:
        if time.monotonic() - LimitedHttpProtocol._logged_at > LOG_SECONDS:
            LimitedHttpProtocol._logged_at = time.monotonic()
            logger.warning("all %d connections are taken: idle ones are closed, new ones refused", budget().connections)

    # --- The phases of a request --------------------------------------------------------------------

    def takes_bytes(self) -> bool:
        """Whether to read received bytes; for a refused connection, they trigger the refusal."""
        if self._is_refused:
            self._end(FULL)
            return False
        if self._phase in SILENT:
            self._expect(Phase.HEAD, HEAD_SECONDS)
        return True

    def on_message_begin(self) -> None:
        """Expect the rest of a head, which may follow another request in the same piece."""
        self._expect(Phase.HEAD, HEAD_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Expect a body."""
        self._waiting.pop(self, None)
        self._expect(Phase.BODY, BODY_PIECE_SECONDS)
        self._body_began, self._body_length = self.loop.time(), 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Expect the next piece of the body."""
        self._body_length += len(body)
        self._deadline = min(self.loop.time() + BODY_PIECE_SECONDS, self._body_deadline())
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect nothing from the client: the server has to respond."""
        self._phase, self._deadline = Phase.ANSWER, math.inf
        if (
            self.cycle is not None and self.cycle.response_complete
        ):  # after an early refusal, the whole body has now arrived
            self._rest()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Expect the next request, unless it is here already or the rest of this one is still arriving."""
        has_next = bool(self.pipeline)
        super().on_response_complete()
        if not has_next and self._phase in {Phase.ANSWER, Phase.HEAD}:
            self._rest()

    def _rest(self) -> None:
        if self.transport.is_closing():
            return
        self._waiting[self] = self.loop.time()
        if self._phase is Phase.HEAD:
            self._expect(Phase.HEAD, HEAD_SECONDS)
        else:  # uvicorn's timer does not restart if the body arrived after the response
            self._expect(Phase.NEXT_REQUEST, self.timeout_keep_alive + SWEEP_SECONDS)

    def _expect(self, phase: Phase, seconds: float) -> None:
        self._phase, self._deadline = phase, self.loop.time() + seconds

    def _body_deadline(self) -> float:
        return self._body_began + BODY_SECONDS + self._body_length / BODY_BYTES_PER_SECOND

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be parsed; the parser's own message may quote it."""
        self._end(MALFORMED)

    # --- Deadlines ----------------------------------------------------------------------------------

    def _start_sweeping(self) -> None:
        if LimitedHttpProtocol._sweeper is None:
            LimitedHttpProtocol._sweeper = self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        LimitedHttpProtocol._sweeper = None
        for connection in list(self.connections):
            if isinstance(connection, LimitedHttpProtocol):
                connection._look()
        if self.connections:
            self._start_sweeping()

    def _look(self) -> None:
        is_late = self._deadline < self.loop.time()
        if not self.transport.is_closing():
            if is_late:
                self._on_deadline()
        elif self._phase is not Phase.CLOSING:
            self._expect(Phase.CLOSING, LINGER_SECONDS)
        elif is_late:  # a client that stops reading would keep it open indefinitely
            self.transport.abort()

    def _on_deadline(self) -> None:
        """End a connection whose client is too slow, but not one that waits for us."""
        is_behind_another = self._phase is Phase.HEAD and self.cycle is not None and not self.cycle.response_complete
        if is_behind_another or self.flow.read_paused:
            self._deadline = self.loop.time() + HEAD_SECONDS
            return
        if self._is_refused:
            self._end(FULL)
        elif self._phase in SILENT or (self._phase is Phase.BODY and self.cycle.response_started):
            self._end()
        else:
            self._end(TOO_SLOW)

    def _end(self, answer: RawAnswer | None = None) -> None:
        self._deadline = math.inf
        if not self.transport.is_closing():
            self.transport.write(bytes(answer) if answer else b"")
            self.transport.close()
