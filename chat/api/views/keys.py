"""The calls about the caller's own App key: `/api/key` and `/api/key/usage`. They need no session."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

from rest_framework.request import Request

from apps_registry.support.database import run_orm
from chat.access import check_key_itself
from chat.api.answers import Answer, NoContent
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import UsageRequest
from chat.turns.output.message_body import iso
from chat.wire.keys import HeldAppKey, KeyLimit, Limited, LimitedPer, UsageNumbers, UsageOfDay, UsageOfKey
from keys.limits.reading import Standing
from keys.services.holders import held_key, revoke_held_key
from keys.usage.reading import Filter, UsageRow, summed


class KeyView(ApiView):
    """`/api/key`: the caller's key; never the key itself."""

    async def get(self, request: Request) -> Answer[HeldAppKey]:
        """Get the key's label, the Apps that it opens, its expiry, and what is left of its limits."""
        key = await run_orm(held_key, check_key_itself(self.caller))
        return Answer(
            {
                "label": key.label,
                "apps": key.apps,
                "expires_at": iso(key.expires_at) if key.expires_at else None,
                "limits": [_limit(limit) for limit in key.limits],
            }
        )

    async def delete(self, request: Request) -> NoContent:
        """Revoke the key permanently: it is refused from the next request on."""
        await run_orm(revoke_held_key, check_key_itself(self.caller))
        return NoContent()


class KeyUsageView(ApiView):
    """`/api/key/usage`."""

    @reads(UsageRequest)
    async def get(self, request: Request, params: UsageRequest) -> Answer[UsageOfKey]:
        """Get the usage of the key, by day, App and model."""
        today = datetime.now(UTC).date()
        first_day = today - timedelta(days=params.days - 1)
        where = Filter(key_ids=[check_key_itself(self.caller)], since=first_day)
        days = await run_orm(summed, ("day", "app", "model"), where)
        total = await run_orm(summed, (), where)
        return Answer(
            {
                "first_day": first_day.isoformat(),
                "last_day": today.isoformat(),
                "total": _numbers(total[0] if total else UsageRow()),
                "days": [_day(row) for row in sorted(days, key=lambda row: str(row.day), reverse=True)],
            }
        )


def _limit(limit: Standing) -> KeyLimit:
    return {
        "what": cast(Limited, limit.what),
        "per": cast(LimitedPer, limit.per) if limit.per else None,
        "limit": _number(limit.limit, limit.what),
        "left": _number(limit.left, limit.what),
        "resets_at": iso(limit.resets_at) if limit.resets_at else None,
    }


def _number(number: Decimal | int, resource: str) -> float:
    return float(number) if resource == "money" else int(number)


def _day(row: UsageRow) -> UsageOfDay:
    return {"day": str(row.day), "app": row.app or "", "model": row.model or "", **_numbers(row)}


def _numbers(row: UsageRow) -> UsageNumbers:
    return {
        "turns": row.turns,
        "errors": row.errors,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "cost": float(row.cost),
        "unpriced_tokens": row.unpriced_tokens,
    }
