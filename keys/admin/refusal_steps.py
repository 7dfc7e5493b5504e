"""Where an operator goes on from a refused call."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps_registry.models import App
from keys.models import AppKey, Refusal


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link to the page where what refused can be changed."""

    words: str
    url: str


def next_step(user: Any, refusal: Refusal) -> NextStep | None:
    """Return where the operator can change what refused a call; None if there is nothing, or he may not.

    Args:
        user: the operator.
        refusal: the call.
    """
    whose = str(refusal.facts.get("limit_of", "")).partition(":")[0]
    if whose == "keyless" and user.has_perm("keys.change_fusestate"):
        return NextStep("See the fuse", reverse("admin:keys_fusestate_changelist"))
    if whose == "app" and user.has_perm("apps_registry.change_app"):
        app = App.objects.filter(slug=refusal.app).first()
        return NextStep("Set limits of the App", reverse("admin:keys_app_limits", args=[app.pk])) if app else None
    if not user.has_perm("keys.change_appkey"):
        return None
    key = AppKey.objects.filter(pk=refusal.key_id).first() if refusal.key_id is not None else None
    if key is None:
        return None
    if whose == "key":
        return NextStep("Set limits of the key", reverse("admin:keys_appkey_limits", args=[key.pk]))
    return NextStep("Open the key", reverse("admin:keys_appkey_change", args=[key.pk]))
