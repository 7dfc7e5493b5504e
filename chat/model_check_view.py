"""The console's page that checks a model; it lives here because turns' way to a model does."""

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from apps_registry.configs import to_model_config
from apps_registry.models import Model
from chat.model_check import check_model


@require_POST
def check_model_view(request: HttpRequest, model_id: int) -> HttpResponse:
    """Call the model once and show how it went; aomi_site/urls.py has the admin guard it."""
    if not request.user.has_perm("apps_registry.change_model"):
        raise PermissionDenied
    model = get_object_or_404(Model.objects.select_related("provider"), pk=model_id)
    context = {
        **admin.site.each_context(request),
        "title": f"Check of {model}",
        "opts": Model._meta,
        "original": model,
        "check": async_to_sync(check_model)(to_model_config(model)),
    }
    return TemplateResponse(
        request, "admin/apps_registry/model/check.html", context, headers={"Cache-Control": "no-store"}
    )
