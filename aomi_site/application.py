"""The ASGI application: the API on a lean path, the admin on Django's handler; imported after Django is set up."""

import asyncio
import gc
import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings

from aomi_site.health.heartbeat import heartbeat
from aomi_site.logins.attempts import prune_logins_forever
from aomi_site.serving.api_handler import ApiHandler
from aomi_site.serving.proxies import ProxyHeaders
from aomi_site.serving.refusals import record_refusal
from aomi_site.serving.responses import (
    Application,
    Receive,
    Scope,
    Send,
    callers_request_id,
    send_plain,
    with_common_headers,
)
from aomi_site.serving.static_files import StaticFiles
from aomi_site.serving.stock_handler import StockHandler
from apps_registry.mcp.sessions import mcp_sessions
from apps_registry.retrieval.ingest import ingest_forever
from apps_registry.services.outbound_log import prune_outbound_forever
from apps_registry.services.stopped_providers import warn_of_stopped_providers
from apps_registry.support import database
from apps_registry.support.error_location import location
from apps_registry.support.forever import run_once
from apps_registry.support.http.paths import API_PREFIXES, LIVE_PREFIX
from apps_registry.support.http.request_ids import begin_request
from apps_registry.support.http.request_notes import begin_notes
from chat.api.errors import SERVER_FAILED
from chat.doors.errors import plain_problem
from chat.doors.mcp import cancelling
from chat.providers.openai_compatible import connections
from chat.turns import interrupts
from chat.turns.background.kept_requests import write_kept, write_kept_forever
from chat.turns.running.runner import runner
from keys.expiries import announce_forever
from keys.guards.storage import prune_address_uses_forever
from keys.last_use import key_uses
from keys.refusals.writing import prune_refusals_forever, write_pending, write_refusals_forever
from keys.upkeep import account_upkeep_forever
from sessions_app.events.hub import hub
from sessions_app.events.partials import partials
from sessions_app.sent_requests import prune_sent_requests_forever
from sessions_app.upkeep import prune_forever, sweep_forever

logger, access_log = logging.getLogger("aomi.server"), logging.getLogger("aomi.access")
lean, stock, static = ApiHandler(), StockHandler(), StaticFiles()
proxy_headers = ProxyHeaders(settings.TRUSTED_PROXIES)
_ending: "asyncio.Task[None] | None" = None
hub.handle(partials.on_event, on_gap=partials.on_gap)
hub.handle(interrupts.on_event)
hub.handle(cancelling.on_event)
PROBES = ("/livez", "/readyz", "/metrics")  # polled every few seconds, so their access lines would only be noise
LEAN_PATHS = (*API_PREFIXES, LIVE_PREFIX, *PROBES)
UPKEEP = (
    *(prune_forever, prune_outbound_forever, prune_refusals_forever, prune_logins_forever),
    prune_address_uses_forever,
    *(sweep_forever, ingest_forever, write_refusals_forever),
    *(account_upkeep_forever, announce_forever, heartbeat.write_forever),
    *(write_kept_forever, prune_sent_requests_forever),
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection of the ASGI protocol."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        proxy_headers.apply(scope)
        await _http(scope, receive, send)


async def _http(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request under a new id and log its path, but never the query string, which holds messages."""
    started, status, path = time.perf_counter(), 0, scope["path"]
    request_id, notes = begin_request(), begin_notes()

    async def send_in_common(message: Mapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
            if handler is lean:
                record_refusal(scope, status, notes, request_id)
            headers = with_common_headers(message["headers"], path=path, status=status, request_id=request_id)
            message = {**message, "headers": headers}
        await send(message)

    handler = _handler(path)
    try:
        await handler(scope, receive, send_in_common)
    except Exception as error:  # the server would log its content and respond without our headers
        logger.error("%s: %s id=%s", path, location(error), request_id)
        if status == 0:
            await _answer_failure(path, send_in_common)
    finally:
        milliseconds = (time.perf_counter() - started) * 1000
        _log_access(scope, status, milliseconds, request_id)


async def _answer_failure(path: str, send: Send) -> None:
    await send_plain(plain_problem(path, SERVER_FAILED.code, SERVER_FAILED.detail), send)


def _log_access(scope: Scope, status: int, milliseconds: float, request_id: str) -> None:
    level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
    sent = callers_request_id(scope)
    also = f" caller={sent}" if sent else ""
    line = "%s %s %d %.0fms id=%s%s"
    access_log.log(level, line, scope["method"], scope["path"], status, milliseconds, request_id, also)


def _handler(path: str) -> Application:
    if path.startswith(LEAN_PATHS):
        return lean
    return static if path in static else stock


async def _lifespan(receive: Receive, send: Send) -> None:
    """_answer drops its own reference as soon as it can"""
    await receive()
    try:
        await database.open_pool()
        await hub.start()
        await database.run_orm(warn_of_stopped_providers)
        upkeep = [asyncio.create_task(work(), name=work.__name__) for work in UPKEEP]
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": f"The database pool did not open: {error}"})
        return
    _tune_garbage_collection()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    for work in upkeep:
        work.cancel()
    await asyncio.gather(begin_shutdown(), *upkeep, return_exceptions=True)
    await key_uses.write(everything=True)
    await run_once("write-refusals", partial(write_pending, everything=True))
    await run_once("write-sent-requests", write_kept)
    await heartbeat.remove()
    await mcp_sessions.close()
    await hub.stop()
    await connections.close()
    await database.close_pool()
    await send({"type": "lifespan.shutdown.complete"})


def _tune_garbage_collection() -> None:
    """Exclude objects loaded at start from garbage collection, and collect less often.

    Turns create few cycles, and CPython's default threshold of 700 objects means several collections per turn.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000, 20, 20)


def begin_shutdown() -> "asyncio.Task[None]":
    """End the streams and let turns finish within the grace time; their callers still get their replies.

    Returns:
        One task, shared by all callers; resources that turns need must stay open until it ends.
    """
    global _ending  # noqa: PLW0603 - a worker stops once
    if _ending is None:
        hub.close_all()
        _ending = asyncio.create_task(runner.drain(settings.SHUTDOWN_GRACE_SECONDS), name="drain")
    return _ending
