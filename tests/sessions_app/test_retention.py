"""prune_sessions removes the sessions past their App's retention, and nothing else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apps_registry.models import App
from sessions_app.models import ChatSession, Message
from tests import factories
from tests.commands import Result


def test_only_expired_sessions_are_removed(manage: Callable[..., Result], app: App, other_app: App) -> None:
    App.objects.filter(pk=app.pk).update(retention_days=7)
    old, new = (datetime.now(UTC) - timedelta(days=days) for days in (8, 6))
    messages = [("user", "a"), ("agent", "b")]
    due = [factories.make_session(app, messages, last_active_at=old) for _ in range(3)]
    kept = [
        factories.make_session(app, messages, last_active_at=new),
        factories.make_session(app, messages, last_active_at=old, status="processing"),
        factories.make_session(other_app, messages, last_active_at=old),
        factories.make_session(None, [], last_active_at=old),
    ]
    assert json.loads(manage("prune_sessions", "--json").out) == {"removed": 3}
    assert not ChatSession.objects.filter(pk__in=[session.pk for session in due]).exists()
    assert not Message.objects.filter(session__in=due).exists()
    assert ChatSession.objects.filter(pk__in=[session.pk for session in kept]).count() == 4
    assert manage("prune_sessions").out == "Removed 0 sessions.\n"
