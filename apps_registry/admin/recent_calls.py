"""The calls of tools in the last hour, for lists of tools."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from apps_registry.models import Tool
from apps_registry.services.failing_tools import count_calls

RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """What a list shows of a tool's calls, with links to them.

    Attributes:
        calls: their number, without cancelled ones.
        failed: the number of those without a response, or with a status of at least 400.
    """

    calls: int
    failed: int
    url: str
    failed_url: str


def add_recent_calls(tools: Iterable[Tool]) -> None:
    """Set `recent_calls` of each tool, with one query; None if it was not called in the last hour."""
    rows: list[Any] = list(tools)
    since = timezone.now() - RECENT
    counts = count_calls({tool.app_id for tool in rows}, since) if rows else {}
    for tool in rows:
        counted = counts.get((tool.app_id, tool.name))
        links = _url(tool, since), _url(tool, since, outcome="failed")
        tool.recent_calls = RecentCalls(*counted, *links) if counted else None


def _url(tool: Tool, since: datetime, **more: str) -> str:
    """Return the URL of the list of the tool's calls; by default without cancelled ones, which do not count."""
    query = {"app__id__exact": tool.app_id, "tool": tool.name, "created_at__gte": since.isoformat()}
    return (
        f"{reverse('admin:apps_registry_outboundcall_changelist')}?{urlencode({**query, 'outcome': 'ended', **more})}"
    )
