"""Keeps what models are sent, for Apps that say so: collected in memory, masked and stored after the turn.

A turn waits for none of this. A worker that dies loses what it had not stored, which costs an operator a view.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from apps_registry.credentials.provider_key import NoProviderKey, ProviderKey
from apps_registry.http_tools.scrub import MASK, MIN_CHARS, scrub
from apps_registry.models import App
from apps_registry.services.surroundings import surroundings_of
from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from apps_registry.support.error_location import location
from apps_registry.support.forever import forever
from apps_registry.values import ModelConfig
from keys.crypto import KEY_PATTERN
from sessions_app.sent_requests import NewRequest, store_requests

logger = logging.getLogger("aomi.turns")

WRITE_SECONDS = 1.0
BATCH = 20
# What is stored of a request, in characters; and what is kept in memory of a request, of a turn and of all, in bytes.
BODY_MAX_CHARS = 1_000_000
BODY_MAX_BYTES = 4 * 1024 * 1024
TURN_MAX_BYTES = 16 * 1024 * 1024
TURN_MAX_REQUESTS = 100
PENDING_MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as it was sent.

    Attributes:
        key: of the model's provider, to mask it.
        status: of the provider's answer; 0: none came.
    """

    app_id: int
    turn_id: UUID
    model: str
    key: ProviderKey
    body: bytes
    size: int
    status: int
    at: datetime
    round_number: int = 0


_pending: deque[_Request] = deque()


class Recording:
    """The requests of one turn, in their order, until it ends or pauses."""

    def __init__(self, app_id: int, turn_id: UUID, *, last_round: int, now: Callable[[], datetime]) -> None:
        """Begin without any.

        Args:
            app_id: the App.
            turn_id: the turn.
            last_round: the turn's last round that has ended before.
            now: returns the time by Postgres's clock.
        """
        self._app_id, self._turn_id, self._now = app_id, turn_id, now
        self._last_round = last_round
        self._requests: list[_Request] = []
        self._bytes = 0

    def take(self, config: ModelConfig, body: bytes, status: int) -> None:
        """Keep a request; what is over the limits of a turn is not kept.

        Args:
            config: the model.
            body: the request's body.
            status: of the provider's answer; 0: none came.
        """
        if self._bytes >= TURN_MAX_BYTES or len(self._requests) >= TURN_MAX_REQUESTS:
            return
        kept = body[:BODY_MAX_BYTES]
        self._bytes += len(kept)
        request = _Request(self._app_id, self._turn_id, config.name, config.key, kept, len(body), status, self._now())
        self._requests.append(request)

    def round_ended(self, number: int) -> None:
        """Note that the requests since the last round belong to this one."""
        self._last_round = number
        self._requests = list(self._numbered(number))

    def hand_over(self) -> None:
        """Give the requests to the writer; those of a round that has not ended belong to the next one."""
        used = sum(len(request.body) for request in _pending)
        requests = list(self._numbered(self._last_round + 1))
        self._requests = []
        if used + self._bytes > PENDING_MAX_BYTES:
            logger.warning("%d requests of turn %s are not kept: too many wait", len(requests), self._turn_id)
            return
        _pending.extend(requests)

    def _numbered(self, number: int) -> Iterator[_Request]:
        for request in self._requests:
            yield request if request.round_number else replace(request, round_number=number)


async def write_kept_forever() -> None:
    """Store what was kept, once a second."""
    await forever("write-sent-requests", write_kept, every=WRITE_SECONDS)


async def write_kept() -> None:
    """Store what was kept so far; while Postgres is away, it stays in memory."""
    while batch := [_pending.popleft() for _ in range(min(BATCH, len(_pending)))]:
        try:
            await store_requests(await database.run_orm(_masked, batch))
        except BaseException as error:
            if not isinstance(error, Exception) or is_transient(error):  # the worker stops, or Postgres is away
                _pending.extendleft(reversed(batch))
                raise
            logger.warning("%d requests to models are not kept: %s", len(batch), location(error))


def _masked(batch: list[_Request]) -> list[NewRequest]:
    """Return the rows of requests, without secrets: those of the App, keys of providers, and App keys of any server."""
    secrets = {app_id: _secrets_of(app_id) for app_id in {request.app_id for request in batch}}
    return [_row(request, [*secrets[request.app_id], *_provider_key(request.key)]) for request in batch]


def _row(request: _Request, secrets: Iterable[str]) -> NewRequest:
    text = request.body.decode("utf-8", "replace")
    text = KEY_PATTERN.sub(MASK, scrub(text, secrets))[:BODY_MAX_CHARS]
    return NewRequest(
        request.turn_id, request.round_number, request.model, text, request.size, request.status, request.at
    )


def _secrets_of(app_id: int) -> list[str]:
    app = App.objects.filter(pk=app_id).first()
    return surroundings_of(app).secrets.readable_values() if app is not None else []


def _provider_key(key: ProviderKey) -> list[str]:
    try:
        value = key.value()
    except NoProviderKey:
        return []
    return [value] if len(value) >= MIN_CHARS else []
