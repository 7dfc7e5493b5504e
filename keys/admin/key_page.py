"""What a key's page shows besides its form: its Apps, its limits, its refused calls, and what higher layers add."""

from typing import Any

from django.http import HttpRequest

from apps_registry.admin.additions import added_to
from apps_registry.admin.grants import sees_apps
from keys.limits.reading import standings
from keys.limits.values import key_subject
from keys.models import AppKey, Refusal
from keys.refusals.rules import rule_named

REFUSALS_SHOWN = 5
PLACEHOLDER = "YOUR-APP-KEY"


def key_page(request: HttpRequest, app_key: AppKey) -> dict[str, Any]:
    """Return the template context of a key's page, limited to what the operator may see."""
    apps = sorted(app_key.apps.all(), key=lambda app: (not app.is_active, app.slug))
    context: dict[str, Any] = {
        "key_apps": apps,
        "example": apps[0] if apps else None,
        "placeholder": PLACEHOLDER,
        "sees_apps": sees_apps(request.user),
        "standings": standings(key_subject(app_key.pk)),
    }
    if request.user.has_perm("keys.view_refusal"):
        rows = Refusal.objects.filter(key_id=app_key.pk).order_by("-id")[:REFUSALS_SHOWN]
        context["refusals"] = [(row, rule_named(row.rule).refused) for row in rows]
    return context | added_to("key", request, app_key)
