"""What watches the server: liveness, readiness, metrics. On the lean path, so all are coroutines."""

import hmac

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from aomi_site.health import metric_files
from aomi_site.health.readiness import degraded, readiness

# What the answer calls a fault.
FAULTS = {"unreachable": "down"}


async def live(request: HttpRequest) -> JsonResponse:
    """Answer that this worker's loop turns."""
    return JsonResponse({"status": "ok"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when a chat could be stored, with what less is wrong; otherwise 503 and why."""
    if fault := await readiness.fault():
        return JsonResponse({"status": "unavailable", "database": FAULTS.get(fault, fault)}, status=503)
    if reasons := degraded():
        return JsonResponse({"status": "degraded", "database": "up", "degraded": reasons})
    return JsonResponse({"status": "ok", "database": "up"})


async def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the counters of all workers in Prometheus's text format, to those who know METRICS_TOKEN."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), expected.encode()):
        return HttpResponse(status=404)
    return HttpResponse(metric_files.read(), content_type=prometheus_client.CONTENT_TYPE_LATEST)
