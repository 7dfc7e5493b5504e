"""Sets and removes limits."""

from collections.abc import Collection, Iterable
from dataclasses import asdict

from django.core.exceptions import ValidationError

from apps_registry.models import App
from apps_registry.runtime.app_configs import load_app_config
from keys.limits.floors import floor_problems
from keys.limits.values import Limits
from keys.models import LimitSet


def set_limits(subject: str, limits: Limits, *, apps: Iterable[App]) -> None:
    """Set the limits of a subject, from its next call on; what it has used today and this month counts.

    Args:
        subject: such as `key_subject(7)`.
        limits: all of its limits; without any, the subject's row is removed.
        apps: the Apps that it can use; a limit of money requires prices for all their models, and one call to each must
            fit into the limits.

    Raises:
        ValidationError: a limit is not positive, a limit is smaller than what one call reserves, or a model of these
            Apps has no price.
    """
    if limits == Limits():
        LimitSet.objects.filter(pk=subject).delete()
        return
    row = LimitSet(subject=subject, **asdict(limits))
    row.full_clean(exclude=["subject"], validate_unique=False, validate_constraints=False)
    apps = list(apps)
    problems = price_problems(limits, apps) or floor_problems(limits, apps)
    if problems:
        raise ValidationError(problems)
    LimitSet.objects.update_or_create(subject=subject, defaults=asdict(limits))


def price_problems(limits: Limits, apps: Iterable[App]) -> dict[str, list[str]]:
    """Return why limits of money cannot be enforced, by field; empty if they can."""
    fields = [name for name in ("money_per_day", "money_per_month") if getattr(limits, name) is not None]
    if not fields:
        return {}
    without = [words for app in apps if (words := _models_without_price(app))]
    return {
        name: [f"Every model that may answer needs prices. Without a price: {'; '.join(without)}."]
        for name in fields
        if without
    }


def _models_without_price(app: App) -> str:
    """Return a phrase that lists the models without a price that may answer for an App; empty if there are none."""
    config = load_app_config(app.pk)
    models = config.models if config else ()
    names = [model.name for model in models if model.prompt_price is None or model.completion_price is None]
    return f"{', '.join(names)} (App {app.slug})" if names else ""


def key_apps(app_ids: Collection[int]) -> list[App]:
    """Return the Apps that a key can use: those in its scope, and the default App."""
    return list(App.objects.filter(pk__in=app_ids) | App.objects.filter(is_default=True))
