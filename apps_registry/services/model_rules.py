"""The rules that were found out of a model's requests, in its row."""

from django.db import transaction

from apps_registry.models import Model
from apps_registry.provider_rules.request_rules import RequestRules


@transaction.atomic
def remember_rules(model_id: int, rules: RequestRules) -> bool:
    """Add rules to those of a model; return whether it did not have them yet.

    The row changes only then: each change makes every worker read its Apps again.
    """
    row = Model.objects.select_for_update(no_key=True).filter(pk=model_id).first()
    if row is None:
        return False
    known = RequestRules.from_json(row.request_rules)
    wanted = rules.over(known).as_json()
    if wanted == row.request_rules:
        return False
    row.request_rules = wanted
    row.save(update_fields=["request_rules"])
    return True


def forget_rules(model: Model) -> None:
    """Have a model's rules found out again."""
    if model.request_rules:
        model.request_rules = {}
        model.save(update_fields=["request_rules"])
