"""Rules for the requests to a model: fields to leave out or rename, and the output limit.

The profile of a provider has rules, and a model's row has the rules that were learned from refusals; see
`chat/providers/mending.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# This server's name for the output limit; providers may use another name.
MAX_TOKENS = "max_tokens"
# Fields that cannot be left out or renamed. The model's own setting turns tools off.
KEPT_FIELDS = frozenset({"model", "messages", "stream", "tools"})
MAX_RULES = 20
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_SHAPE = 'Write a JSON object such as {"omit": ["stream_options"], "rename": {"max_tokens": "max_completion_tokens"}}.'


@dataclass(frozen=True, slots=True)
class RequestRules:
    """Rules for the fields of a request.

    Attributes:
        omit: fields to leave out.
        rename: fields to send with another name.
        max_output_tokens: the highest output limit that the provider accepts; None: unknown.
    """

    omit: frozenset[str] = frozenset()
    rename: Mapping[str, str] = field(default_factory=dict)
    max_output_tokens: int | None = None

    def over(self, base: "RequestRules") -> "RequestRules":
        """Return these rules combined with `base`; these have priority."""
        omit = {name for name in base.omit if name not in self.rename} | self.omit
        limits = [limit for limit in (self.max_output_tokens, base.max_output_tokens) if limit is not None]
        return RequestRules(frozenset(omit), {**base.rename, **self.rename}, min(limits, default=None))

    def sent_name(self, name: str) -> str:
        """Return the name with which a field is sent; empty if it is left out."""
        sent = self.rename.get(name, name)
        return "" if {name, sent} & self.omit else sent

    def as_json(self) -> dict[str, Any]:
        """Return the rules as JSON data, without empty parts."""
        limit = {} if self.max_output_tokens is None else {"max_output_tokens": self.max_output_tokens}
        omit = {"omit": sorted(self.omit)} if self.omit else {}
        return {**omit, **({"rename": dict(self.rename)} if self.rename else {}), **limit}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RequestRules":
        """Return rules from the data of `as_json`, which must be valid (see `find_rules_problem`)."""
        limit = data.get("max_output_tokens")
        return cls(frozenset(data.get("omit", ())), dict(data.get("rename", {})), limit)


def find_rules_problem(data: object) -> str:
    """Return the error in rules as JSON data, as a sentence; empty if they are valid."""
    if not isinstance(data, dict) or data.keys() - {"omit", "rename", "max_output_tokens"}:
        return _SHAPE
    omit, rename, limit = data.get("omit", []), data.get("rename", {}), data.get("max_output_tokens")
    if not isinstance(omit, list) or not isinstance(rename, dict) or len(omit) + len(rename) > MAX_RULES:
        return _SHAPE
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        return "max_output_tokens must be a whole number of at least 1."
    for name in (*omit, *rename, *rename.values()):
        if not isinstance(name, str) or not _FIELD.match(name):
            return f"{str(name)[:80]!r} is not the name of a field."
        if name in KEPT_FIELDS:
            return f"{name}: this field cannot be left out or renamed."
    return ""
