"""Says in words whose limit refused a call, and what helps: the facts of a refusal name it only by a code word."""

from decimal import Decimal, InvalidOperation
from typing import Any

from keys.limits.values import EACH_ADDRESS, KEYLESS
from keys.models import Refusal
from keys.refusals.rules import Rule

BUDGETS = {"tokens_per_day", "tokens_per_month", "money_per_day", "money_per_month"}


def whose_limit(refusal: Refusal) -> str:
    """Return whose limit refused a call, such as "of this key"; empty if that is not recorded."""
    kind = str(refusal.facts.get("limit_of", "")).partition(":")[0]
    words = {
        "key": "of this key",
        "app": f"of App {refusal.app}" if refusal.app else "of the App",
        EACH_ADDRESS: "of each address without a key",
        KEYLESS: "of callers without a key",
    }
    return words.get(kind, "")


def rule_of_limit(rule: Rule, refusal: Refusal) -> Rule:
    """Return a rule in the words for the recorded limit.

    Args:
        rule: with `{whose}` in the sentence that says what to change.
        refusal: the call.
    """
    whose = whose_limit(refusal)
    of_whom = f" {whose}" if whose else ""
    if refusal.rule in BUDGETS and _is_below_one_call(refusal.facts):
        return Rule(
            f"One call reserves more than the whole limit{of_whom} ({refusal.facts['limit']}); nothing of it is used.",
            f"Waiting does not help. Raise the limit{of_whom}, or lower the App's longest answer (max reply tokens).",
        )
    if refusal.rule in BUDGETS and whose == "of callers without a key":
        return Rule(
            rule.refused,
            "The fuse has opened automatically. Reset it (Keys, Fuse; or `manage.py fuse reset`), raise the limit of "
            "callers without a key (KEYLESS_TOKENS_PER_DAY), or wait.",
        )
    return Rule(rule.refused, rule.change.replace(" {whose}", of_whom))


def limit_in_words(refusal: Refusal) -> dict[str, Any]:
    """Return the facts of a refusal, with the limit's owner in words."""
    facts = dict(refusal.facts)
    if whose := whose_limit(refusal):
        del facts["limit_of"]
        limit = {f"limit {whose}": facts.pop("limit")} if "limit" in facts else {"limit": whose}
        facts = {**limit, **facts}
    return facts


def _is_below_one_call(facts: dict[str, Any]) -> bool:
    """Tell whether a call was refused although the whole limit was left."""
    try:
        return Decimal(facts["left"]) >= Decimal(facts["limit"])
    except (KeyError, InvalidOperation, TypeError):
        return False
