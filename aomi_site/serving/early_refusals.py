"""Answers calls that are certain to be refused before Django sees them: a flood of them must not delay other callers.

These are guesses at blocked key ids, and calls without a key or with a browser token from addresses that are over their
rate or number of event streams. Such a refusal costs a fifth of the normal path and gives the same answer, for guesses
after the same time. Calls with an Origin also get the CORS headers of the normal path.
"""

import asyncio
import functools
from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpResponse
from django.utils.datastructures import CaseInsensitiveMapping

from aomi_site.serving.responses import Scope
from apps_registry.support.http.request_notes import note_app, note_refusal
from chat.api.errors import TOO_MANY_ATTEMPTS
from chat.doors.errors import plain_problem
from keys.callers import Caller
from keys.failures import InvalidKey, TooManyFailures
from keys.guards.errors import CallerLimit
from keys.guards.rates import rates
from keys.guards.streams import streams
from keys.http.authentication import TooMuch, note_failure
from keys.http.presented import presented_key
from keys.http.streams import UPDATES_PATH
from keys.tokens.text import PREFIX as TOKEN_PREFIX
from keys.verification import FAILURE_SECONDS, verifier


@functools.cache
def key_header_names() -> frozenset[bytes]:
    """Return the names of the headers that may hold a key or a browser token, in lower case."""
    return frozenset({b"authorization", *(name.lower().encode() for name in settings.APP_KEY_HEADERS)})


def key_header_of(scope: Scope) -> bytes | None:
    """Return the first header of a call that may contain a key or a browser token; None if there is none."""
    for name, value in scope["headers"]:
        if name in key_header_names():
            return bytes(value)
    return None


def has_origin(scope: Scope) -> bool:
    """Tell whether a page of another origin may have to read the answer."""
    return any(name == b"origin" for name, _ in scope["headers"])


async def early_refusal(scope: Scope, address: str, *, has_key: bool) -> HttpResponse | None:
    """Return the refusal of a call that the API would certainly refuse, otherwise None.

    Args:
        scope: the call's ASGI scope; its path is one of the API's.
        address: the caller's network.
        has_key: whether it has a header that may contain a key or a browser token.
    """
    if scope["method"] == "OPTIONS":
        return None
    presented = None
    if has_key:
        try:
            presented = presented_key(_key_headers(scope))
        except InvalidKey:  # the normal path counts and answers it
            return None
    if presented is not None and not presented.startswith(TOKEN_PREFIX):
        failure = verifier.block_of(presented, address=address) if verifier.blocks_any else None
        return None if failure is None else await _refuse_guess(scope, failure)
    if limit := rates.refusal_of_address(address):
        return _refuse_over_limit(scope, limit)
    if presented is not None or not _asks_for_updates(scope):
        return None
    limit = streams.refusal_of(Caller(key_id=None, app_ids=frozenset(), revision=0, address=address))
    return None if limit is None else _refuse_over_limit(scope, limit)


async def _refuse_guess(scope: Scope, failure: TooManyFailures) -> HttpResponse:
    _note_app(scope)
    note_refusal(failure.rule, failure=failure.cause.rule)
    note_failure(failure.cause)
    await asyncio.sleep(FAILURE_SECONDS)
    response = plain_problem(scope["path"], TOO_MANY_ATTEMPTS.code, TOO_MANY_ATTEMPTS.detail)
    response.headers["Retry-After"] = str(TOO_MANY_ATTEMPTS.retry_after)
    return response


def _refuse_over_limit(scope: Scope, limit: CallerLimit) -> HttpResponse:
    _note_app(scope)
    note_refusal(limit.rule, **limit.facts)
    response = plain_problem(scope["path"], TooMuch.default_code, limit.detail)
    response.headers["Retry-After"] = str(limit.retry_after)
    if _asks_for_updates(scope):
        response.headers["Connection"] = "close"  # if it stayed open, it would still count as a connection
    return response


def _note_app(scope: Scope) -> None:
    """Note the App that a call names in its URL."""
    if scope["query_string"]:
        note_app(parse_qs(scope["query_string"].decode("latin-1")).get("app", [None])[-1])


def _asks_for_updates(scope: Scope) -> bool:
    return bool(scope["path"] == UPDATES_PATH and scope["method"] == "GET")


def _key_headers(scope: Scope) -> CaseInsensitiveMapping[str]:
    key_headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        if raw in key_header_names():
            name = raw.decode()
            key_headers[name] = ",".join(filter(None, [key_headers.get(name), value.decode("latin-1")]))
    return CaseInsensitiveMapping(key_headers)
