"""Schemas that could hang a validator are refused when they are saved, and no arguments make an accepted one hang."""

from typing import Any

import pytest

from apps_registry.http_tools.schema import check, compile_schema, find_schema_problem
from apps_registry.tools.base import ToolError


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def schema(**defs: Any) -> dict[str, Any]:
    return {"type": "object", "$defs": defs, "properties": {"x": ref("a0")}}


def doubling(keyword: str) -> dict[str, Any]:
    return schema(**{f"a{n}": {keyword: [ref(f"a{n + 1}")] * 2} for n in range(40)}, a40={"type": "string"})


BOMBS = {
    "allOf": doubling("allOf"),
    "anyOf": doubling("anyOf"),
    "by depth": schema(a0={"anyOf": [{"properties": {"c": ref("a0")}, "required": [name]} for name in "yz"]}),
    "of lists": schema(a0={"items": ref("a0"), "contains": ref("a0")}),
    "itself": {"type": "object", "allOf": [{"$ref": "#"}]},
    "circular": schema(a0=ref("a1"), a1=ref("a0")),
    "a chain": schema(**{f"a{n}": ref(f"a{n + 1}") for n in range(900)}, a900={}),
    "no target": schema(),
    "dynamic": schema(a0={"$dynamicAnchor": "m", "properties": {"c": {"$dynamicRef": "#m"}}}),
}
FILTER: dict[str, Any] = {
    "oneOf": [
        {"type": "object", "properties": {"and": {"type": "array", "items": ref("a0")}}, "required": ["and"]},
        {"type": "object", "properties": {"not": ref("a0")}, "required": ["not"]},
        {"type": "object", "properties": {"field": {"type": "string"}}, "required": ["field"]},
    ]
}
ANY_JSON: dict[str, Any] = {"anyOf": [{"type": ["string", "number"]}, {"type": "array", "items": ref("a0")}]}
ANY_JSON["anyOf"].append({"type": "object", "properties": {"a": ref("a0")}, "additionalProperties": ref("a0")})


@pytest.mark.parametrize("parameters", BOMBS.values(), ids=BOMBS)
def test_a_schema_that_multiplies_is_refused(parameters: dict[str, Any]) -> None:
    assert find_schema_problem(parameters)


@pytest.mark.parametrize("part", [FILTER, ANY_JSON], ids=["filter", "any JSON"])
def test_a_schema_that_is_recursive_in_the_usual_ways_is_not(part: dict[str, Any]) -> None:
    parameters = schema(a0=part)
    assert find_schema_problem(parameters) is None
    deep: Any = {"field": "a"}
    for _ in range(40):
        deep = {"and": [{"not": deep}]}
    assert check(compile_schema(parameters), {"x": deep})
    with pytest.raises(ToolError):
        check(compile_schema(parameters), {"x": True})


def test_arguments_that_fit_none_of_many_choices_are_refused_at_once() -> None:
    """The library's full report of this error takes seconds and a gigabyte."""
    parameters = schema(a0={"anyOf": [{"type": "string", "const": str(n)} for n in range(500)]})
    validator = compile_schema(parameters)
    with pytest.raises(ToolError, match="are invalid"):
        check(validator, {"x": ["a"] * 16_000})
    with pytest.raises(ToolError, match="x: "):
        check(validator, {"x": "a"})
