"""What holders of App keys ask and do: `/api/key` and `/api/key/usage`. They need no session."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from rest_framework.request import Request

from apps_registry.support.database import run_orm
from chat.access import KeyNeeded
from chat.api.answers import Answer, NoContent
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import UsageRequest
from chat.turns.message_body import iso
from chat.wire.keys import HeldAppKey, KeyLimit, UsageNumbers, UsageOfDay, UsageOfKey
from keys.limits.setting import LimitLeft
from keys.services.holders import SUMS, DayOfUsage, held_key, held_usage, revoke_held_key


class HolderView(ApiView):
    """A view about the caller's own key."""

    def key_id(self) -> int:
        """Return the id of the caller's key.

        Raises:
            KeyNeeded: the caller has none.
        """
        if self.caller.key_id is None:
            raise KeyNeeded
        return self.caller.key_id


class KeyView(HolderView):
    """`/api/key`: the caller's key; never the key itself."""

    async def get(self, request: Request) -> Answer[HeldAppKey]:
        """Say what the key is for, what it opens, when it expires, and what is left of its limits."""
        key = await run_orm(held_key, self.key_id())
        return Answer(
            {
                "label": key.label,
                "apps": key.apps,
                "expires_at": iso(key.expires_at) if key.expires_at else None,
                "limits": [_limit(limit) for limit in key.limits],
            }
        )

    async def delete(self, request: Request) -> NoContent:
        """Revoke the key, for good: it is refused from the next request on."""
        await run_orm(revoke_held_key, self.key_id())
        return NoContent()


class KeyUsageView(HolderView):
    """`/api/key/usage`."""

    @reads(UsageRequest)
    async def get(self, request: Request, params: UsageRequest) -> Answer[UsageOfKey]:
        """Say what the key has used, by day, App and model."""
        today = datetime.now(UTC).date()
        first_day = today - timedelta(days=params.days - 1)
        rows = await run_orm(held_usage, self.key_id(), first_day=first_day)
        return Answer(
            {
                "first_day": first_day.isoformat(),
                "last_day": today.isoformat(),
                "total": _numbers({name: sum(getattr(row, name) for row in rows) for name in SUMS}),
                "days": [_day(row) for row in rows],
            }
        )


def _limit(limit: LimitLeft) -> KeyLimit:
    return {
        "what": limit.what,
        "per": limit.per,
        "limit": float(limit.limit),
        "left": float(limit.left),
        "resets_at": iso(limit.resets_at) if limit.resets_at else None,
    }


def _day(row: DayOfUsage) -> UsageOfDay:
    return {"day": row.day.isoformat(), "app": row.app, "model": row.model, **_numbers(asdict(row))}


def _numbers(sums: dict[str, int]) -> UsageNumbers:
    return {
        "turns": sums["turns"],
        "errors": sums["errors"],
        "prompt_tokens": sums["prompt_tokens"],
        "completion_tokens": sums["completion_tokens"],
        "cost": float(sums["cost"]),
        "unpriced_tokens": sums["unpriced_tokens"],
    }
