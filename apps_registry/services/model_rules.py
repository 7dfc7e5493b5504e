"""Stores the request rules that were learned from a provider's refusals in the model's row."""

from django.db import transaction

from apps_registry.models import Model
from apps_registry.provider_rules.request_rules import RequestRules


@transaction.atomic
def remember_rules(model_id: int, rules: RequestRules) -> bool:
    """Add rules to those of a model; return whether they are new.

    The row is written only if they are: each change makes every worker load its Apps again.
    """
    row = Model.objects.select_for_update(no_key=True).filter(pk=model_id).first()
    if row is None:
        return False
    known = RequestRules.from_json(row.request_rules)
    combined = rules.over(known).as_json()
    if combined == row.request_rules:
        return False
    row.request_rules = combined
    row.save(update_fields=["request_rules"])
    return True


def forget_rules(model: Model) -> None:
    """Delete the learned rules of a model, so that they are detected again."""
    if model.request_rules:
        model.request_rules = {}
        model.save(update_fields=["request_rules"])
