"""Number bases: against Python's own conversions, there and back, and with invalid numbers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_registry.builtin_tools.convert_number_base import convert_number_base
from apps_registry.tools.base import ToolContext, ToolError

BASES = st.integers(2, 36)


def run(number: Any, from_base: Any, to_base: Any) -> str:
    arguments = {"number": number, "from_base": from_base, "to_base": to_base}
    result: dict[str, Any] = convert_number_base.call(arguments, ToolContext())
    assert result["base"] == to_base
    return str(result["result"])


@pytest.mark.parametrize(
    ("number", "from_base", "to_base", "result"),
    [
        ("255", 10, 16, "ff"),
        ("-0xFF", 16, 10, "-255"),
        ("+0b101", 2, 10, "5"),
        ("0o17", 8, 10, "15"),
        ("0b1", 16, 10, "177"),
        ("1_000_000", 10, 36, "lfls"),
        ("0xdead_beef", 16, 10, "3735928559"),
        ("Zz", 36, 10, "1295"),
        (" 12 ", 3, 10, "5"),
        ("007", 10, 2, "111"),
        ("-0", 10, 2, "0"),
        ("f" * 64, 16, 10, str(2**256 - 1)),
        ("1" + "0" * 999, 10, 10, "1" + "0" * 999),
    ],
)
def test_conversions(number: str, from_base: int, to_base: int, result: str) -> None:
    assert run(number, from_base, to_base) == result


def test_the_largest_number_is_converted_whole() -> None:
    assert len(run("z" * 1000, 36, 2)) == 5170


@pytest.mark.parametrize(
    ("number", "from_base", "to_base", "message"),
    [
        ("0xff", 10, 2, "means base 16"),
        ("-0b11", 10, 2, "means base 2"),
        ("12", 2, 10, "whose digits are 01."),
        ("g", 16, 10, "'g'"),
        ("1.5", 10, 2, "'1.5'"),
        ("1e5", 10, 2, "'1e5'"),
        ("", 10, 2, "''"),
        ("_1", 10, 2, "'_1'"),
        ("--1", 10, 2, "'--1'"),
        ("٣", 10, 2, "is not an integer"),
        ("\x00\ud800", 10, 2, "is not an integer"),
        ("1" * 1001, 10, 2, "1000 characters"),
        ("1" * 1_000_000, 36, 2, "1000 characters"),
        ("1", 1, 10, "2 to 36"),
        ("1", 10, 37, "2 to 36"),
        ("1", 0, 10, "2 to 36"),
        ("1", -(10**30), 10, "2 to 36"),
        ("1", "16", 10, "without quotes"),
        (255, 10, 16, "must be a string"),
    ],
)
def test_mistakes_are_explained(number: Any, from_base: Any, to_base: Any, message: str) -> None:
    with pytest.raises(ToolError) as error:
        run(number, from_base, to_base)
    assert message in str(error.value)
    assert len(str(error.value)) < 300


@settings(deadline=None)
@given(st.integers(-(10**300), 10**300), BASES, BASES)
def test_there_and_back_gives_the_same(number: int, first: int, second: int) -> None:
    written = run(run(str(number), 10, first), first, second)
    assert int(written, second) == number
    assert run(written, second, 10) == str(number)
