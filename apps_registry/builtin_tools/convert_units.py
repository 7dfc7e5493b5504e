"""Built-in tool: conversion between units of measurement, exact wherever the definitions are."""

import operator
from difflib import get_close_matches
from typing import Annotated, Any

from apps_registry.builtin_tools import exact
from apps_registry.builtin_tools.exact import Number
from apps_registry.builtin_tools.units import BY_NAME, BY_SYMBOL, Unit, normal_name
from apps_registry.tools.base import ToolError, quoted
from apps_registry.tools.builtin import builtin_tool

MAX_UNIT_LENGTH = 60
_UNIT = "Name or symbol of the unit, such as mile, km, °F, KiB, gwei; the case of symbols counts"


@builtin_tool
def convert_units(
    value: Annotated[str | float, "The amount; as a string such as '0.1' it stays exact at any length"],
    from_unit: Annotated[str, _UNIT],
    to_unit: Annotated[str, _UNIT],
) -> dict[str, Any]:
    """Convert an amount between units of length, mass, temperature, volume, area, speed, time, data, energy,
    pressure, power, angle, or ether (wei, gwei, ether). "exact" tells whether "result" is the exact value.

    Raises ToolError for a unit that is unknown or measures something else, and below absolute zero.
    """
    source, target = _unit(from_unit), _unit(to_unit)
    if source.dimension != target.dimension:
        raise ToolError(
            f"{source.name} measures {source.dimension}, {target.name} measures {target.dimension}: "
            "they cannot be converted into each other."
        )
    # repr() of a float is the shortest decimal for it, and so the text that the model wrote.
    amount = exact.parse(value if isinstance(value, str) else repr(value))
    with exact.arithmetic():
        result = amount if source is target else _converted(amount, source, target)
        return exact.describe(result) | {"unit": target.name, "converted_from": source.name}


def _converted(amount: Number, source: Unit, target: Unit) -> Number:
    shifted = exact.combine(operator.add, amount, source.offset)
    if source.dimension == "temperature" and shifted < 0:
        raise ToolError("The temperature is below absolute zero.")
    in_base = exact.combine(operator.mul, shifted, source.factor)
    return exact.combine(operator.sub, exact.combine(operator.truediv, in_base, target.factor), target.offset)


def _unit(requested_unit: str) -> Unit:
    text = requested_unit.strip()[:MAX_UNIT_LENGTH]
    name = normal_name(text)
    unit = BY_SYMBOL.get(text) or BY_NAME.get(name)
    if unit:
        return unit
    near = [symbol for symbol in BY_SYMBOL if symbol.casefold() == text.casefold()]
    near += [unit.name for spelling, unit in BY_NAME.items() if name and name in spelling.split()]
    near += [BY_NAME[match].name for match in get_close_matches(name, BY_NAME, n=4)]
    hint = f"Did you mean: {', '.join(dict.fromkeys(near[:6]))}?" if near else "Write its full English name."
    raise ToolError(f"There is no unit {quoted(requested_unit)}. {hint}")
