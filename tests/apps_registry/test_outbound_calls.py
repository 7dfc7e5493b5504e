"""How long the records of outbound calls are kept."""

import uuid
from datetime import timedelta

from django.db import connection
from django.utils.timezone import now

from apps_registry.models import App, OutboundCall
from apps_registry.services.outbound_log import KEPT_DAYS, PRUNE


def test_only_old_records_are_deleted(app: App) -> None:
    fields = {"app": app, "tool": "t", "method": "GET", "host": "h:1", "milliseconds": 1, "received_bytes": 1}
    for days in (KEPT_DAYS - 1, KEPT_DAYS + 1):
        when = now() - timedelta(days=days)
        OutboundCall.objects.create(turn_id=uuid.uuid4(), verdict=f"{days} days", created_at=when, **fields)
    with connection.cursor() as cursor:
        cursor.execute(PRUNE, {"days": KEPT_DAYS, "batch": 1000})
    assert [call.verdict for call in OutboundCall.objects.filter(app=app)] == [f"{KEPT_DAYS - 1} days"]
