"""Rules of a provider for tools, and the schema of a tool in the form that the provider accepts.

Rewriting a schema does not lose its meaning: calls are validated against the tool's own schema, so a constraint that
the model does not see is still checked, and the description tells the model about it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps_registry.provider_rules.tool_choices import Unfit, merge_choices, with_note

Schema = dict[str, Any]

MAX_DEPTH = 30
MAX_NODES = 2_000  # references are expanded, and can multiply
_CHOICES = ("allOf", "anyOf", "oneOf")
_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties"})
_LISTS = frozenset({*_CHOICES, "prefixItems"})
_NODES = frozenset({"items", "additionalProperties", "not"})
_SHORTHAND = re.compile(r"\\[a-zA-Z]")
_NOTE_LABELS = {"format": "format", "pattern": "pattern", "const": "always", "multipleOf": "a multiple of"}


@dataclass(frozen=True, slots=True)
class ToolRules:
    """A provider's rules for tools.

    Attributes:
        name: pattern of tool names; all names that this server stores match the default.
        name_words: description of the pattern.
        not_at_the_top: keywords that a schema must not have at its top level.
        wants_items: whether arrays must have `items`.
        keywords: the only keywords that schemas may have; None: any.
        formats: the only formats of strings; None: any.
        wants_plain_patterns: whether patterns must begin with ^, end with $ and not use shorthand such as backslash d.
        max_tools: maximum number of tools in a request; None: unknown.
    """

    name: str = r"[a-zA-Z0-9_-]{1,64}\Z"
    name_words: str = "it must be up to 64 letters, digits, hyphens and underscores"
    not_at_the_top: frozenset[str] = frozenset()
    wants_items: bool = False
    keywords: frozenset[str] | None = None
    formats: frozenset[str] | None = None
    wants_plain_patterns: bool = False
    max_tools: int | None = None


def fit(name: str, schema: Mapping[str, Any], rules: ToolRules) -> Mapping[str, Any]:
    """Return a tool's schema in the form that a provider accepts; a valid schema is returned unchanged.

    Raises:
        Unfit: the schema cannot be rewritten, or the name is invalid; the message says why.
    """
    if not re.match(rules.name, name):
        raise Unfit(f"its name is invalid: {rules.name_words}")
    fitter = _Fitter(rules, dict(schema))
    return fitter.whole()


@dataclass(slots=True)
class _Fitter:
    """Rewrites one schema for a provider."""

    rules: ToolRules
    root: Schema
    nodes: int = field(default=0)

    def whole(self) -> Mapping[str, Any]:
        rules, schema = self.rules, self.root
        if rules.not_at_the_top & schema.keys():
            schema = self._without_choices_at_the_top()
        if rules.keywords is None and rules.formats is None and not (rules.wants_items or rules.wants_plain_patterns):
            return schema
        return self._fitted(schema, 0)

    def _without_choices_at_the_top(self) -> Schema:
        schema, unwanted = self.root, self.rules.not_at_the_top
        for keyword in _CHOICES:
            if keyword in unwanted and keyword in schema:
                schema = merge_choices(schema, keyword, [self._resolved(branch, 0) for branch in schema[keyword]])
        if "enum" in schema and "enum" in unwanted:
            raise Unfit("it lists complete objects (enum) at the top level of its schema")
        if "not" in schema and "not" in unwanted:
            rest = {name: value for name, value in schema.items() if name != "not"}
            schema = with_note(rest, "some combinations of arguments are refused")
        return schema

    def _resolved(self, node: Any, depth: int) -> Schema:
        """Return the target of a local reference, or the node itself."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Unfit("its schema refers to itself, or is too large")
        if not isinstance(node, dict):
            return {}
        if "$ref" not in node:
            return node
        target: Any = self.root
        for escaped in str(node["$ref"]).removeprefix("#").split("/")[1:]:
            step = escaped.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or step not in target:
                raise Unfit("its schema contains a reference without a target")
            target = target[step]
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return {**self._resolved(target, depth + 1), **rest}

    def _fitted(self, node: Schema, depth: int) -> Schema:
        if self.rules.keywords is not None:
            schema = self._plain(dict(self._resolved(node, depth)), depth)
        else:
            schema = dict(node)
        schema = self._with_notes(schema)
        if self.rules.wants_items and schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
            schema["items"] = {"type": "string"}
        return {name: self._within(name, value, depth + 1) for name, value in schema.items()}

    def _within(self, name: str, value: Any, depth: int) -> Any:
        """Return the value of a keyword with rewritten schemas."""
        if name in _MAPS and isinstance(value, dict):
            return {key: self._inner(inner, depth) for key, inner in value.items()}
        if name in _LISTS and isinstance(value, list):
            return [self._inner(inner, depth) for inner in value]
        return self._inner(value, depth) if name in _NODES else value

    def _inner(self, value: Any, depth: int) -> Any:
        return self._fitted(value, depth) if isinstance(value, dict) else value

    def _plain(self, schema: Schema, depth: int) -> Schema:
        """Return a schema that uses only the allowed keywords."""
        keywords = self.rules.keywords or frozenset()
        if "allOf" in schema and "allOf" not in keywords:
            schema = merge_choices(schema, "allOf", [self._resolved(branch, depth + 1) for branch in schema["allOf"]])
        if "oneOf" in schema and "oneOf" not in keywords:
            schema["anyOf"] = schema.pop("oneOf")
        if isinstance(schema.get("const"), str):
            schema["enum"] = [schema.pop("const")]
        if not all(isinstance(value, str) for value in schema.get("enum", ())):
            schema = with_note(schema, "one of " + ", ".join(map(str, schema.pop("enum"))))
        if "enum" in schema:
            schema.setdefault("type", "string")
        if isinstance(kinds := schema.get("type"), list):
            schema = _one_type(schema, [kind for kind in kinds if kind != "null"], "null" in kinds)
        if isinstance(required := schema.get("required"), list):
            schema["required"] = [name for name in required if name in schema.get("properties", {})]
        dropped = schema.keys() - keywords
        notes = [f"{_NOTE_LABELS[name]} {schema[name]}" for name in sorted(dropped) if name in _NOTE_LABELS]
        kept = {name: value for name, value in schema.items() if name in keywords}
        return with_note(kept, "; ".join(notes)) if notes else kept

    def _with_notes(self, schema: Schema) -> Schema:
        """Move a format or pattern that the provider does not accept to the description."""
        dropped = list(self._unwanted(schema))
        if not dropped:
            return schema
        rest = {name: value for name, value in schema.items() if name not in dropped}
        return with_note(rest, "; ".join(f"{name} {schema[name]}" for name in dropped))

    def _unwanted(self, schema: Schema) -> Iterator[str]:
        format_, pattern, formats = schema.get("format"), schema.get("pattern"), self.rules.formats
        is_text = isinstance(format_, str) and schema.get("type") == "string"
        if is_text and formats is not None and format_ not in formats:
            yield "format"
        if isinstance(pattern, str) and self.rules.wants_plain_patterns and not _is_plain(pattern):
            yield "pattern"


def _is_plain(pattern: str) -> bool:
    return pattern.startswith("^") and pattern.endswith("$") and not _SHORTHAND.search(pattern)


def _one_type(schema: Schema, kinds: list[str], is_nullable: bool) -> Schema:
    rest = {name: value for name, value in schema.items() if name != "type"}
    nullable = {"nullable": True} if is_nullable else {}
    if len(kinds) == 1:
        return {"type": kinds[0], **rest, **nullable}
    return {**rest, "anyOf": [{"type": kind} for kind in kinds], **nullable}
