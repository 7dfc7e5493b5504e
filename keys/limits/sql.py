"""Fragments and statements that count for limits and usage outside of turns.

The functions are those of keys/migrations/0011_accounting.py; turns are counted by triggers.
"""

from typing import NamedTuple

from keys.limits.admission import admission_of
from keys.limits.values import Payer


class Fragment(NamedTuple):
    """An SQL expression, with the parameters that it names."""

    sql: str
    parameters: dict[str, object]


NOT_COUNTED = Fragment("NULL", {})


def counted_request(payer: Payer) -> Fragment:
    """Return an expression that counts one request, or fails as `keys.limits.refusals.applied` says."""
    return Fragment(
        "keys_limits_admit(keys_limits_subjects(%(counted_app)s::bigint, %(counted_key)s::bigint, "
        "%(counted_admission)s::jsonb), 1, 0, 0, 0, 0, 0, true)",
        {"counted_app": payer.app_id, "counted_key": payer.key_id, "counted_admission": admission_of(payer)},
    )
