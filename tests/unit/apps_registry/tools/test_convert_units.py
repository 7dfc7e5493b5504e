"""Unit conversion: against published values, there and back, and with invalid units."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_registry.builtin_tools.convert_units import convert_units
from apps_registry.builtin_tools.units import BY_NAME, BY_SYMBOL, UNITS, Unit, normal_name
from apps_registry.tools.base import ToolContext, ToolError


def run(value: str | float, from_unit: str, to_unit: str) -> dict[str, Any]:
    arguments = {"value": value, "from_unit": from_unit, "to_unit": to_unit}
    result: dict[str, Any] = convert_units.call(arguments, ToolContext())
    assert json.loads(json.dumps(result)) == result
    return result


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "result"),
    [
        ("1", "mile", "km", "1.609344"),
        ("1", "inch", "mm", "25.4"),
        ("6", "feet", "inches", "72"),
        ("1", "nmi", "m", "1852"),
        ("1", "light-years", "km", "9460730472580.8"),
        ("1", "AU", "m", "149597870700"),
        ("1", "um", "nm", "1000"),
        ("1", "µm", "μm", "1"),
        ("1", "lb", "kg", "0.45359237"),
        ("1", "pound", "ounces", "16"),
        ("1", "pound", "grains", "7000"),
        ("1", "stone", "lb", "14"),
        ("1", "troy ounce", "g", "31.1034768"),
        ("1", "short ton", "kg", "907.18474"),
        ("1", "long ton", "lb", "2240"),
        ("1", "tonne", "kg", "1000"),
        ("100", "°C", "°F", "212"),
        ("98.6", "Fahrenheit", "celsius", "37"),
        ("-40", "F", "C", "-40"),
        ("0", "K", "degrees Fahrenheit", "-459.67"),
        ("-273.15", "C", "K", "0"),
        ("491.67", "°R", "K", "273.15"),
        ("1", "gallon", "L", "3.785411784"),
        ("1", "imperial gallon", "litres", "4.54609"),
        ("1", "cup", "mL", "236.5882365"),
        ("1", "imperial fluid ounce", "ml", "28.4130625"),
        ("1", "tbsp", "tsp", "3"),
        ("1", "bbl", "gal", "42"),
        ("1", "m3", "L", "1000"),
        ("1", "cc", "mL", "1"),
        ("1", "acre", "m2", "4046.8564224"),
        ("1", "acre", "sq ft", "43560"),
        ("1", "square mile", "acres", "640"),
        ("1", "km²", "hectares", "100"),
        ("36", "km/h", "m/s", "10"),
        ("1", "mph", "km/h", "1.609344"),
        ("1", "knot", "km/h", "1.852"),
        ("1", "week", "hours", "168"),
        ("1", "Julian year", "days", "365.25"),
        ("1500", "ms", "s", "1.5"),
        ("1", "byte", "bits", "8"),
        ("1", "MB", "kB", "1000"),
        ("1", "MiB", "KiB", "1024"),
        ("1", "GiB", "bytes", "1073741824"),
        ("1", "Mb", "kB", "125"),
        ("1", "kWh", "MJ", "3.6"),
        ("1", "kcal", "J", "4184"),
        ("1", "BTU", "J", "1055.05585262"),
        ("1", "foot-pound", "J", "1.3558179483314004"),
        ("1", "eV", "J", "0.0000000000000000001602176634"),
        ("1", "atm", "Pa", "101325"),
        ("1", "bar", "hPa", "1000"),
        ("760", "Torr", "atm", "1"),
        ("1", "mmHg", "Pa", "133.322387415"),
        ("1", "hp", "W", "745.69987158227022"),
        ("1", "PS", "W", "735.49875"),
        ("1", "turn", "degrees", "360"),
        ("90", "°", "gon", "100"),
        ("1", "degree", "arcsec", "3600"),
        ("1", "ether", "wei", "1000000000000000000"),
        ("1", "wei", "ETH", "0.000000000000000001"),
        ("0.123456789012345678", "eth", "wei", "123456789012345678"),
        ("21000.5", "Gwei", "ether", "0.0000210005"),
        (0.1, "ether", "wei", "100000000000000000"),
        (5, "km", "m", "5000"),
        ("-1.5e3", "m", "km", "-1.5"),
        ("1_000", "m", "km", "1"),
        (" 2 ", " Kilometers ", "m", "2000"),
    ],
)
def test_exact_conversions(value: str | float, from_unit: str, to_unit: str, result: str) -> None:
    answer = run(value, from_unit, to_unit)
    assert (answer["result"], answer["exact"]) == (result, True)


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "result"),
    [
        ("180", "degrees", "rad", "3.14159265358979323846264338328"),
        ("1", "rad", "degree", "57.2957795130823208767981548141"),
        ("1", "parsec", "m", "30856775814913672.7891393795780"),
        ("1", "psi", "Pa", "6894.75729316836133672267344535"),
        ("1", "US survey foot", "m", "0.304800609601219202438404876810"),
        ("1", "knot", "m/s", "0.514444444444444444444444444444"),
    ],
)
def test_conversions_that_do_not_end_are_rounded(value: str, from_unit: str, to_unit: str, result: str) -> None:
    answer = run(value, from_unit, to_unit)
    assert answer["exact"] is False
    assert Decimal(answer["result"]) == Decimal(result)


def test_the_answer_names_the_units_it_understood() -> None:
    answer = run("1", "gal", "L")
    assert (answer["converted_from"], answer["unit"]) == ("US gallon", "litre")


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "message"),
    [
        ("1", "furlng", "m", "furlong"),
        ("1", "KB", "MB", "Did you mean: kb, kB"),
        ("1", "mpa", "bar", "mPa, MPa"),
        ("1", "ton", "kg", "short ton"),
        ("1", "year", "day", "common year"),
        ("1", "", "m", "There is no unit ''"),
        ("1", "m", "\x00\ud800", "There is no unit"),
        ("1", "x" * 100_000, "m", "There is no unit"),
        ("1", "mile", "kg", "mile measures length, kilogram measures mass"),
        ("1", "gwei", "m", "gwei measures ether"),
        ("-300", "C", "K", "absolute zero"),
        ("1,000", "m", "km", "not a decimal number"),
        ("", "m", "km", "not a decimal number"),
        ("1/2", "m", "km", "not a decimal number"),
        ("nan", "m", "km", "not a decimal number"),
        ("inf", "m", "km", "not a decimal number"),
        ("٣", "m", "km", "not a decimal number"),
        ("9" * 1001, "m", "km", "too large"),
        ("9" * 100_000, "m", "km", "too large"),
        ("1e999999999", "m", "km", "too large"),
        ("1e-" + "9" * 1500, "m", "km", "too small"),
        ("1e999", "Qm", "qm", "too large"),
        (float("nan"), "m", "km", "must be a string or a finite number"),
        (True, "m", "km", "not a boolean"),
    ],
)
def test_mistakes_are_explained(value: Any, from_unit: str, to_unit: str, message: str) -> None:
    with pytest.raises(ToolError) as error:
        run(value, from_unit, to_unit)
    assert message in str(error.value)
    assert len(str(error.value)) < 300


def same_dimension(unit: Unit) -> st.SearchStrategy[tuple[Unit, Unit]]:
    others = [other for other in UNITS if other.dimension == unit.dimension]
    return st.tuples(st.just(unit), st.sampled_from(others))


@settings(deadline=None)
@given(st.sampled_from(UNITS).flatmap(same_dimension), st.decimals(0, 10**9, places=6))
def test_there_and_back_gives_the_same(units: tuple[Unit, Unit], value: Decimal) -> None:
    first, second = units
    there = run(f"{value:f}", first.name, second.name)
    back = run(there["result"], second.name, first.name)
    if there["exact"]:
        assert back["exact"]
        assert Fraction(back["result"]) == Fraction(value)
    # Zero in one temperature scale is hundreds in another, so the rounding error is, too.
    assert abs(Fraction(back["result"]) - Fraction(value)) <= (Fraction(value) + 1000) * Fraction("1e-28")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_spelling_of_a_unit_finds_it(unit: Unit) -> None:
    assert all(BY_SYMBOL[symbol] is unit for symbol in unit.symbols)
    assert all(BY_NAME[normal_name(name)] is unit for name in (unit.name, *unit.aliases))
    assert unit.factor > 0
    # A name that is also the symbol of another unit would be read as that unit.
    assert all(BY_SYMBOL.get(name, unit) is unit for name in (unit.name, *unit.aliases))
