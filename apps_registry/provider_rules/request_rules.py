"""How a model's requests differ from the usual ones: fields that are left out or renamed, and a limit of the answer.

A provider's profile has such rules, and a model's row has those that were found out since; see
`chat/providers/mending.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The name under which this server thinks of the limit of an answer, whatever a provider calls it.
MAX_TOKENS = "max_tokens"
# Without these a request is none. Tools are left out by their model's own switch.
KEPT_FIELDS = frozenset({"model", "messages", "stream", "tools"})
MAX_RULES = 20
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_SHAPE = 'Write a JSON object such as {"omit": ["stream_options"], "rename": {"max_tokens": "max_completion_tokens"}}.'


@dataclass(frozen=True, slots=True)
class RequestRules:
    """Rules for the fields of a request.

    Attributes:
        omit: fields that are not sent.
        rename: fields that are sent under another name.
        max_output_tokens: what the provider takes at most as the limit of an answer; None: not known.
    """

    omit: frozenset[str] = frozenset()
    rename: Mapping[str, str] = field(default_factory=dict)
    max_output_tokens: int | None = None

    def over(self, base: "RequestRules") -> "RequestRules":
        """Return these rules on top of others: where both speak of a field, these count."""
        omit = {name for name in base.omit if name not in self.rename} | self.omit
        limits = [limit for limit in (self.max_output_tokens, base.max_output_tokens) if limit is not None]
        return RequestRules(frozenset(omit), {**base.rename, **self.rename}, min(limits, default=None))

    def sent_name(self, name: str) -> str:
        """Return the name under which a field is sent; empty: it is not."""
        sent = self.rename.get(name, name)
        return "" if {name, sent} & self.omit else sent

    def as_json(self) -> dict[str, Any]:
        """Return the rules as JSON data, without what is empty."""
        limit = {} if self.max_output_tokens is None else {"max_output_tokens": self.max_output_tokens}
        omit = {"omit": sorted(self.omit)} if self.omit else {}
        return {**omit, **({"rename": dict(self.rename)} if self.rename else {}), **limit}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RequestRules":
        """Return the rules that `as_json` returned; `find_rules_problem` has found none."""
        limit = data.get("max_output_tokens")
        return cls(frozenset(data.get("omit", ())), dict(data.get("rename", {})), limit)


def find_rules_problem(data: object) -> str:
    """Return what is wrong with rules as JSON data, as a sentence; empty: nothing is."""
    if not isinstance(data, dict) or data.keys() - {"omit", "rename", "max_output_tokens"}:
        return _SHAPE
    omit, rename, limit = data.get("omit", []), data.get("rename", {}), data.get("max_output_tokens")
    if not isinstance(omit, list) or not isinstance(rename, dict) or len(omit) + len(rename) > MAX_RULES:
        return _SHAPE
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        return "max_output_tokens is a whole number from 1."
    for name in (*omit, *rename, *rename.values()):
        if not isinstance(name, str) or not _FIELD.match(name):
            return f"{str(name)[:80]!r} is not the name of a field."
        if name in KEPT_FIELDS:
            return f"{name}: no request goes without it, or under another name."
    return ""
