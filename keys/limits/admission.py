"""The limits of callers without a key that the settings give; Postgres checks them with all others.

Limits of keys and Apps are rows, which the triggers of keys/migrations/0011_accounting.py find by themselves. A row of
LimitSet for callers without a key replaces these settings.
"""

from dataclasses import asdict

import orjson
from django.conf import settings

from keys.limits.values import KEYLESS, Limits, Payer, address_subject


def each_address() -> Limits:
    """Return the limits of each address without a key, by the settings; a setting of 0 means no limit."""
    return Limits(
        requests_per_minute=settings.KEYLESS_REQUESTS_PER_MINUTE or None,
        burst=settings.KEYLESS_BURST or None,
        concurrent_turns=settings.KEYLESS_CONCURRENT_TURNS or None,
    )


def all_without_key() -> Limits:
    """Return the limits of all callers without a key together, by the settings: the fuse."""
    return Limits(tokens_per_day=settings.KEYLESS_TOKENS_PER_DAY or None)


def admission_of(payer: Payer) -> str | None:
    """Return the subjects of a caller without a key, with their limits, as JSON; None for a caller with a key.

    The order is that in which every statement locks them.
    """
    if payer.key_id is not None:
        return None
    subjects = [(address_subject(payer.address), each_address())] if payer.address else []
    subjects.append((KEYLESS, all_without_key()))
    return orjson.dumps([as_json(subject, limits) for subject, limits in subjects]).decode()


def as_json(subject: str, limits: Limits) -> dict[str, object]:
    """Return a subject and the limits that it has without a row, as functions of the database read them."""
    values = {name: str(value) for name, value in asdict(limits).items() if value is not None}
    return {"subject": subject, **values}
