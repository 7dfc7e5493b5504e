"""What watches the server: liveness, readiness, metrics. On the lean path, so all are coroutines."""

import asyncio
import hmac

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import multiprocess
from psycopg.errors import UndefinedTable

from apps_registry import database

READY_SECONDS = 3.0


async def live(request: HttpRequest) -> JsonResponse:
    """Answer that this worker's loop turns."""
    return JsonResponse({"status": "ok"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served, 503 while Postgres is away."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await database.read("SELECT number FROM apps_registry_registryrevision")
    except (*database.DATABASE_DOWN, TimeoutError):
        return JsonResponse({"status": "unavailable", "database": "down"}, status=503)
    except UndefinedTable:
        return JsonResponse({"status": "unavailable", "database": "not migrated"}, status=503)
    return JsonResponse({"status": "ok", "database": "up"})


async def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the counters of all workers in Prometheus's text format, to those who know METRICS_TOKEN."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), expected.encode()):
        return HttpResponse(status=404)
    registry = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    text = prometheus_client.generate_latest(registry)
    return HttpResponse(text, content_type=prometheus_client.CONTENT_TYPE_LATEST)
