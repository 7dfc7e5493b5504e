"""The usage of a key or an App on its page: sums of its last days, and charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from aomi_site.console.tiles import Tile
from apps_registry.admin.charts import Series, bars, day_label, lines
from apps_registry.admin.figures import COUNT, MONEY, SHARE, TIME
from keys.usage.reading import UsageRow


@dataclass(frozen=True, slots=True)
class UsagePanel:
    """What the panel shows.

    Attributes:
        days: the number of days that it covers.
        tiles: the sums; empty if nothing was used.
        charts: as HTML.
    """

    days: int
    tiles: Sequence[Tile]
    charts: Sequence[SafeString]


def usage_panel(
    rows: Sequence[UsageRow], user: Any, turns_of: dict[str, str], *, usage_of: str, in_full: bool = True
) -> UsagePanel:
    """Return the panel for the usage of one key or App.

    Args:
        rows: the rows of `keys.usage.daily.daily`.
        user: the operator, who gets links only to what they may see.
        turns_of: the parameters with which the list of turns shows the turns of the key or App.
        usage_of: the parameters with which the usage page shows the key or App.
        in_full: also show latency and tokens by day.
    """
    if not any(row.turns or row.prompt_tokens or row.completion_tokens for row in rows):
        return UsagePanel(len(rows), (), ())
    return UsagePanel(len(rows), _tiles(rows, _links(rows, user, turns_of, usage_of)), _charts(rows, in_full=in_full))


def _links(rows: Sequence[UsageRow], user: Any, turns_of: dict[str, str], usage_of: str) -> dict[str, str]:
    """Return the pages behind the sums: the turns of these days, the failed ones, and the usage page."""
    links = {"usage": f"{reverse('console_usage')}?{usage_of}"} if user.has_perm("keys.view_usage") else {}
    if user.has_perm("sessions_app.view_turn") and rows[0].day:
        query = {**turns_of, "started_at__gte": str(datetime.combine(rows[0].day, time(), UTC))}
        turns = reverse("admin:sessions_app_turn_changelist")
        links |= {
            "turns": f"{turns}?{urlencode(query)}",
            "failed": f"{turns}?{urlencode({**query, 'status__exact': 'failed'})}",
        }
    return links


def _tiles(rows: Sequence[UsageRow], links: dict[str, str]) -> list[Tile]:
    turns, errors = sum(row.turns for row in rows), sum(row.errors for row in rows)
    tokens = sum(row.prompt_tokens + row.completion_tokens for row in rows)
    unpriced = sum(row.unpriced_tokens for row in rows)
    cost = sum((row.cost for row in rows), Decimal(0))
    unpriced_note = f"without {COUNT.short(unpriced)} tokens of models that have no price" if unpriced else ""
    return [
        Tile("Turns", COUNT.short(turns), url=links.get("turns", ""), title=COUNT.exact(turns)),
        Tile(
            "Failed",
            COUNT.short(errors),
            SHARE.short(errors / turns) if turns else "",
            url=links.get("failed", "") if errors else "",
        ),
        Tile("Tokens", COUNT.short(tokens), url=links.get("usage", ""), title=COUNT.exact(tokens)),
        Tile("Cost", MONEY.short(cost), unpriced_note, url=links.get("usage", ""), title=MONEY.exact(cost)),
    ]


def _charts(rows: Sequence[UsageRow], *, in_full: bool) -> list[SafeString]:
    days = [day_label(row.day) for row in rows if row.day]
    fine = [row.turns - row.errors for row in rows]
    shown = [
        bars("Turns", "by day", days, [Series("fine", fine), Series("failed", [row.errors for row in rows])]),
        bars("Cost", "by day", days, [Series("cost", [row.cost for row in rows])], MONEY),
    ]
    if in_full:
        percentiles = [
            Series("p50", [row.latency_p50_ms for row in rows]),
            Series("p95", [row.latency_p95_ms for row in rows]),
        ]
        tokens = [
            Series("prompts", [row.prompt_tokens for row in rows]),
            Series("answers", [row.completion_tokens for row in rows]),
        ]
        shown += [lines("Latency", "by day", days, percentiles, TIME), bars("Tokens", "by day", days, tokens)]
    return shown
