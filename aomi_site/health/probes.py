"""Liveness, readiness and metrics. They are on the lean path, so all are coroutines."""

import hmac

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from aomi_site.health import metric_files
from aomi_site.health.readiness import degraded, readiness

# Faults whose name in the response differs from their name in the code.
FAULTS = {"unreachable": "down"}


async def live(request: HttpRequest) -> JsonResponse:
    """Respond if this worker's event loop is running."""
    return JsonResponse({"status": "ok"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Respond with 200 and minor problems if a chat could be stored, otherwise with 503 and the reason."""
    if fault := await readiness.fault():
        return JsonResponse({"status": "unavailable", "database": FAULTS.get(fault, fault)}, status=503)
    if reasons := degraded():
        return JsonResponse({"status": "degraded", "database": "up", "degraded": reasons})
    return JsonResponse({"status": "ok", "database": "up"})


async def metrics(request: HttpRequest) -> HttpResponse:
    """Respond with the metrics of all workers in Prometheus's text format, if the request has METRICS_TOKEN."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    authorization = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(authorization.encode(), expected.encode()):
        return HttpResponse(status=404)
    return HttpResponse(metric_files.read(), content_type=prometheus_client.CONTENT_TYPE_LATEST)
