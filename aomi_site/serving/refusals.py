"""Hands each refused call to the recorder, which writes it later: nothing here waits."""

import time
import uuid

from aomi_site.serving.responses import Scope
from apps_registry.support.http.request_ids import loggable_path
from apps_registry.support.http.request_notes import RequestNotes
from chat.api.errors import UNKNOWN_PATH
from keys.addresses import network_of
from keys.refusals.recorder import RefusedCall, recorder

# Not recorded: a 400 tells the caller what is wrong; a 500 is our fault, and is in the log.
RECORDED = frozenset({401, 403, 404, 409, 410, 413, 415, 422, 429, 503})
PATH_MAX_CHARS = 200


def record_refusal(scope: Scope, status: int, notes: RequestNotes, request_id: str) -> None:
    """Record a call if its status is a refusal; calls to paths that do not exist are not recorded.

    Args:
        scope: the call's ASGI scope; its query string and headers are not read.
        status: the status of its response, unless another one was noted.
        notes: what was noted about it.
        request_id: the id that this server gave the request.
    """
    status = notes.status or status
    # A response without a code is not from an API but from a probe or a page.
    if status not in RECORDED or not notes.code or notes.rule == UNKNOWN_PATH:
        return
    call = RefusedCall(
        at=time.time(),
        request_id=uuid.UUID(request_id),
        status=status,
        code=notes.code,
        rule=notes.rule or notes.code,
        key_id=notes.key_id,
        app=notes.app,
        address=network_of(scope["client"][0] if scope.get("client") else ""),
        method=scope["method"][:10],
        path=loggable_path(scope["path"])[:PATH_MAX_CHARS],
        facts=notes.facts,
        is_holder=notes.is_holder,
    )
    recorder.record(call)
