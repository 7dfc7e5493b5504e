"""The next step after a refused call: the page where its cause can be changed."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps_registry.models import App
from keys.models import AppKey, Refusal

# The id of the field on a key's page; Django gives it to the element that holds the check boxes.
APPS_FIELD = "id_apps"


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link to a page where the cause of a refusal can be changed."""

    words: str
    url: str


def next_step(user: Any, refusal: Refusal) -> NextStep | None:
    """Return the page where the operator can change the cause of a refusal; None if there is no page, or no permission.

    Args:
        user: the operator.
        refusal: the call.
    """
    limit_of = str(refusal.facts.get("limit_of", "")).partition(":")[0]
    if limit_of == "keyless" and user.has_perm("keys.change_fusestate"):
        return NextStep("See the fuse", reverse("admin:keys_fusestate_changelist"))
    if limit_of == "app" and user.has_perm("apps_registry.change_app"):
        app = App.objects.filter(slug=refusal.app).first()
        return NextStep("Set limits of the App", reverse("admin:keys_app_limits", args=[app.pk])) if app else None
    if not user.has_perm("keys.change_appkey"):
        return None
    key = AppKey.objects.filter(pk=refusal.key_id).first() if refusal.key_id is not None else None
    if key is None:
        return None
    if limit_of == "key":
        return NextStep("Set limits of the key", reverse("admin:keys_appkey_limits", args=[key.pk]))
    page = reverse("admin:keys_appkey_change", args=[key.pk])
    if refusal.rule == "app_not_in_scope":
        return NextStep("Change the Apps of the key", f"{page}#{APPS_FIELD}")
    return NextStep("Open the key", page)
