"""Turns refusals of Postgres into LimitExceeded, and remembers them for a moment.

A caller over its limit often keeps calling. The worker answers such calls from memory, without a statement, but for at
most a second: an operator may raise the limit, and the rest of a budget may be enough for a smaller call.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
from cachetools import LRUCache
from psycopg import Error

from keys.limits.values import EACH_ADDRESS, KEYLESS, LimitExceeded, Payer

SQLSTATE = "AO429"  # keys_limits_refuse in keys/migrations/0011_accounting.py
REMEMBERED_SECONDS = 1.0
REMEMBERED_MAX = 10_000
# Refusals for a shorter time depend on turns that may end at any moment.
CERTAIN_SECONDS = 5.0

_remembered: LRUCache[str, tuple[float, float, dict[str, Any]]] = LRUCache(REMEMBERED_MAX)


@contextmanager
def applied(payer: Payer) -> Iterator[None]:
    """Run statements that count for a payer.

    Raises:
        LimitExceeded: one of the payer's limits refuses it; the statement changed nothing.
    """
    try:
        yield
    except Error as error:
        if error.sqlstate != SQLSTATE:
            raise
        refusal = orjson.loads(error.diag.message_detail or "{}")
        refusal["subject"] = payer.subject(refusal["subject"])
        _remember(refusal)
        raise _exceeded(refusal, refusal["retry_after"]) from None


def refuse_remembered(payer: Payer) -> None:
    """Refuse a call that starts a turn, if Postgres would certainly refuse it.

    Raises:
        LimitExceeded: as `applied`.
    """
    for kind in ("app", "key") if payer.key_id is not None else ("app", EACH_ADDRESS, KEYLESS):
        found = _remembered.get(payer.subject(kind))
        if found is not None and time.monotonic() < found[0]:
            raise _exceeded(found[2], found[1] - time.monotonic())


def _remember(refusal: dict[str, Any]) -> None:
    seconds = float(refusal["retry_after"])
    # A missing price is an operator's mistake; correcting it must take effect immediately.
    if refusal["rule"] == "money_without_price" or (refusal["what"] != "requests" and seconds <= CERTAIN_SECONDS):
        return
    now = time.monotonic()
    _remembered[refusal["subject"]] = (now + min(seconds, REMEMBERED_SECONDS), now + seconds, refusal)


def _exceeded(refusal: dict[str, Any], seconds: float) -> LimitExceeded:
    limit = refusal["limit"]
    is_rate = refusal["what"] in {"requests", "turns"} and refusal["rule"] != "fuse_pulled"
    return LimitExceeded(
        subject=refusal["subject"],
        rule=refusal["rule"],
        what=refusal["what"],
        per=refusal["per"],
        limit=None if limit is None else Decimal(str(limit)),
        left=Decimal(str(refusal["left"])),
        retry_after=max(1, math.ceil(seconds)),
        code="rate_limited" if is_rate else "budget_exhausted",
    )
