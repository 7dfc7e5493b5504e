"""The console's page that checks a model."""

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from apps_registry.models import App, Model
from apps_registry.runtime.app_configs import to_model_config
from apps_registry.services.model_rules import forget_rules, remember_rules
from apps_registry.values import Sampling
from chat.turns.model_check import CHECK_TOOL, check_model


@require_POST
def check_model_view(request: HttpRequest, model_id: int) -> HttpResponse:
    """Call the model and show the result; aomi_site/urls.py protects this view with the admin login."""
    if not request.user.has_perm("apps_registry.change_model"):
        raise PermissionDenied
    model = get_object_or_404(Model.objects.select_related("provider"), pk=model_id)
    if "forget" in request.POST:
        forget_rules(model)
    config = to_model_config(model, [CHECK_TOOL])
    check = async_to_sync(check_model)(config, _sampling(model))
    for rules in check.learned:
        remember_rules(model.pk, rules)
    model.refresh_from_db(fields=["request_rules"])
    context = {
        **admin.site.each_context(request),
        "title": f"Check of {model}",
        "opts": Model._meta,
        "original": model,
        "profile": config.profile,
        "check": check,
    }
    return TemplateResponse(
        request, "admin/apps_registry/model/check.html", context, headers={"Cache-Control": "no-store"}
    )


def _sampling(model: Model) -> Sampling:
    """Return the sampling settings of an App that uses the model and sets any, otherwise none."""
    asks = Q(temperature__isnull=False) | Q(top_p__isnull=False)
    uses = Q(default_model=model) | Q(alternatives=model)
    app = App.objects.filter(asks & uses).order_by("-is_default", "slug").first()
    return Sampling(app.temperature, app.top_p) if app else Sampling()
