"""Schemas that a provider does not accept: rewritten if the meaning stays the same, otherwise refused by name."""

from typing import Any

import jsonschema_rs
import pytest

from apps_registry.http_tools.schema import find_schema_problem
from apps_registry.provider_rules.profiles import PROFILES, profile_of
from apps_registry.provider_rules.tool_choices import Unfit
from apps_registry.provider_rules.tool_rules import fit
from tests.provider_rules import RULES

TEXT: dict[str, Any] = {"type": "string"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "plain": {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
    "one of two": {
        "type": "object", "properties": {"a": TEXT, "b": TEXT}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "any of two objects": {
        "type": "object",
        "anyOf": [
            {"properties": {"a": TEXT, "kind": {"const": "x"}}, "required": ["a", "kind"]},
            {"type": "object", "properties": {"n": {"type": "integer"}, "kind": {"const": "y"}}, "required": ["kind"]},
        ],
    },
    "all of two": {
        "type": "object",
        "allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": TEXT}, "required": ["b"]}],
        "$defs": {"a": {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}},
    },
    "formats and patterns": {
        "type": "object",
        "properties": {"u": {"type": "string", "format": "uri"}, "p": {"type": "string", "pattern": "\\d+"}},
    },
    "types": {
        "type": "object",
        "properties": {"n": {"type": ["integer", "null"]}, "m": {"type": ["string", "number"]}, "l": {"type": "array"}},
    },
    "values": {"type": "object", "properties": {"e": {"enum": [1, 2]}, "c": {"const": "x"}, "s": {"enum": ["a", "b"]}}},
    "deep": {
        "type": "object",
        "properties": {"o": {"oneOf": [TEXT, {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}}]}},
        "$defs": {"x": {"type": "array", "items": {"allOf": [{"type": "object", "properties": {"y": TEXT}}]}}},
    },
    "not": {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "not": {"required": ["a", "b"]}},
}  # fmt: skip


def body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"tools": [{"function": {"name": "t", "parameters": schema}}], "messages": [{"role": "user"}]}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("kind", ["openai", "azure", "anthropic", "gemini", "llamacpp", "openrouter"])
def test_a_strict_provider_accepts_a_rewritten_schema(kind: str, schema: dict[str, Any]) -> None:
    fitted = dict(fit("t", schema, PROFILES[kind].tools))
    strict = "openai" if kind == "openrouter" else kind
    assert list(RULES[strict](body(fitted))) == []
    assert find_schema_problem(fitted) is None
    assert fit("t", fitted, PROFILES[kind].tools) == fitted  # nothing is left to do


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("one of two", {"a": "1"}),
        ("any of two objects", {"a": "1", "kind": "x"}),
        ("any of two objects", {"n": 3, "kind": "y"}),
        ("all of two", {"a": "1", "b": "2"}),
        ("formats and patterns", {"u": "https://a.example", "p": "12"}),
        ("types", {"m": 1.5, "l": ["a"]}),
        ("values", {"c": "x", "s": "a"}),
        ("deep", {"o": {"x": [{"y": "z"}]}}),
    ],
)
@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini", "llamacpp"])
def test_a_rewritten_schema_accepts_all_that_the_original_accepts(
    kind: str, name: str, arguments: dict[str, Any]
) -> None:
    assert jsonschema_rs.is_valid(SCHEMAS[name], arguments)
    assert jsonschema_rs.is_valid(dict(fit("t", SCHEMAS[name], PROFILES[kind].tools)), arguments)


def test_dropped_rules_are_described_in_words() -> None:
    gemini = PROFILES["gemini"].tools
    properties = fit("t", SCHEMAS["formats and patterns"], gemini)["properties"]
    assert properties["u"] == {"type": "string", "description": "(format uri)"}
    assert fit("t", SCHEMAS["one of two"], gemini)["description"] == "(exactly one of these sets: (a) or (b))"
    assert fit("t", SCHEMAS["values"], gemini)["properties"]["e"]["description"] == "(one of 1, 2)"
    described = {"type": "object", "description": "Two.", "properties": {"a": TEXT}, "not": {"required": ["a"]}}
    assert fit("t", described, gemini)["description"] == "Two. (some combinations of arguments are refused)"


UNFIT: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a name": ("gemini", {"type": "object"}, "1st", "must begin with a letter"),
    "a text at the top": ("openai", {"type": "object", "anyOf": [TEXT]}, "t", "something other than an object"),
    "objects as values": ("openai", {"type": "object", "enum": [{}]}, "t", "lists complete objects"),
    "itself": ("gemini", {"type": "object", "properties": {"a": {"$ref": "#"}}}, "t", "refers to itself"),
    "nowhere": ("gemini", {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, "t", "without a target"),
    "choices in choices": ("anthropic", {"type": "object", "anyOf": [{"oneOf": [{}]}]}, "t", "has nested alternatives"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "schema", "name", "reason"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_rewritten_is_refused(kind: str, schema: dict[str, Any], name: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        fit(name, schema, PROFILES[kind].tools)


def test_multiplying_references_are_limited() -> None:
    definitions = {f"d{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}}
                   for n in range(25)}  # fmt: skip
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {**definitions, "d25": TEXT}}
    with pytest.raises(Unfit, match="too large"):
        fit("t", schema, PROFILES["gemini"].tools)


def test_an_accepted_schema_does_not_change() -> None:
    for profile in PROFILES.values():
        assert fit("t", SCHEMAS["plain"], PROFILES["other"].tools) == SCHEMAS["plain"]
        if profile.key != "gemini":
            assert fit("t", SCHEMAS["plain"], profile.tools) == SCHEMAS["plain"]


@pytest.mark.parametrize(
    ("base_url", "key"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://my-resource.openai.azure.com/openai/v1/", "azure"),
        ("https://API.Anthropic.com/v1", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://evil-api.openai.com.example/v1", "other"),
        ("https://notopenrouter.ai/api/v1", "other"),
        ("http://[::1]:9/v1", "other"),
        ("http://[bad/v1", "other"),
    ],
)
def test_a_provider_is_recognised_by_its_address(base_url: str, key: str) -> None:
    assert profile_of("", base_url).key == key
    assert profile_of("groq", base_url).key == "groq"  # the chosen profile counts


def test_every_profile_says_where_its_rules_are_written() -> None:
    for profile in PROFILES.values():
        assert profile.hint
        assert profile.key == "other" or (profile.base_url and profile.sources)
        assert all(source.startswith("https://") for source in profile.sources)
