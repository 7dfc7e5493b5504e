"""Explains a recorded refusal: which rule refused, and what to change."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from keys.models import AppKey, CanaryKey, Refusal
from keys.refusals.limits import limit_in_words, rule_of_limit
from keys.refusals.rules import rule_named


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explained refusal.

    Attributes:
        refused: which rule refused.
        change: what to change.
        key: the key in words, with its current state; empty if none is known.
        facts: what the rule compared, in words.
    """

    refusal: Refusal
    refused: str
    change: str
    key: str
    facts: str

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as JSON data, for scripts."""
        row = self.refusal
        return {
            "request_id": row.request_id and str(row.request_id),
            "at": row.at.isoformat(timespec="milliseconds"),
            "status": row.status,
            "code": row.code,
            "rule": row.rule,
            "refused": self.refused,
            "change": self.change,
            "key_id": row.key_id,
            "key": self.key or None,
            "app": row.app or None,
            "address": row.address or None,
            "method": row.method,
            "path": row.path,
            "facts": row.facts,
            "count": row.count,
        }


def find_refusal(request_id: UUID) -> Refusal | None:
    """Return the record of the refused call with this request id, if there is one."""
    return Refusal.objects.filter(request_id=request_id).first()


def explain(refusal: Refusal) -> Explanation:
    """Return the explanation of a refusal, with the key as it is now."""
    rule = rule_of_limit(rule_named(refusal.rule), refusal)
    return Explanation(refusal, rule.refused, rule.change, _key_in_words(refusal), facts_in_words(refusal))


def why_there_may_be_none() -> str:
    """Return a sentence that says why a request id may have no record."""
    return (
        "Only refused calls are recorded (401, 403, 404 of a session, model or response, 409, 410, 413, 415, 422, 429, "
        f"503), for {settings.REFUSALS_KEPT_DAYS} days, about a second after the answer. In a flood, only the first "
        "ones of a minute have a row each. The server's log has a line for every request."
    )


def facts_in_words(refusal: Refusal) -> str:
    """Return the facts of a refusal as `name: value`, separated by commas."""
    return ", ".join(f"{name}: {value}" for name, value in limit_in_words(refusal).items())


def _key_in_words(refusal: Refusal) -> str:
    if (canary_id := refusal.facts.get("canary")) is not None:
        canary = CanaryKey.objects.filter(pk=canary_id).first()
        return f"canary {canary}" if canary else f"canary no. {canary_id}, which was deleted"
    if refusal.key_id is None:
        return ""
    key = AppKey.objects.filter(pk=refusal.key_id).prefetch_related("apps").first()
    if key is None:
        return f"no. {refusal.key_id}, which was deleted"
    apps = ", ".join(sorted(app.slug for app in key.apps.all())) or "no App"
    return f"{key}, {key.status}, opens {apps}"
