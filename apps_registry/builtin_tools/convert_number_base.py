"""Built-in tool: converts integers between number bases."""

import re
from string import ascii_lowercase, digits
from typing import Annotated, Any

from apps_registry.tools.base import ToolError, quoted
from apps_registry.tools.builtin import builtin_tool

MAX_LENGTH = 1000  # at most 5,170 digits in base 2
_DIGITS = digits + ascii_lowercase
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}
_MIN_BASE, _MAX_BASE = 2, len(_DIGITS)


@builtin_tool
def convert_number_base(
    number: Annotated[str, "The integer as text, such as '255', '-ff' or '0xff'; at most 1000 characters"],
    from_base: Annotated[int, "The base that the number is written in, 2 to 36"],
    to_base: Annotated[int, "The base to write it in, 2 to 36"],
) -> dict[str, Any]:
    """Convert an integer of any size from one number base to another, such as hexadecimal to decimal.

    0x, 0o or 0b is a prefix only if it matches `from_base`: in base 16, 0b1 is 177.

    Raises ToolError for a base out of range, and for a text that is too long or not an integer in its base.
    """
    for base in (from_base, to_base):
        if not _MIN_BASE <= base <= _MAX_BASE:
            raise ToolError("A base must be from 2 to 36.")
    return {"result": _written(_value(number, from_base), to_base), "base": to_base}


def _value(number: str, base: int) -> int:
    text = number.strip()
    if len(text) > MAX_LENGTH:
        raise ToolError(f"The number has more than {MAX_LENGTH} characters.")
    # int() alone would accept the digits of other scripts too.
    if re.fullmatch(r"[+-]?[0-9A-Za-z_]+", text):
        try:
            return int(text, base)
        except ValueError:
            pass
    prefix_base = _PREFIXES.get(text.lstrip("+-")[:2].lower(), base)
    hint = f" Its prefix means base {prefix_base}." if prefix_base != base else ""
    raise ToolError(f"{quoted(number)} is not an integer in base {base}, whose digits are {_DIGITS[:base]}.{hint}")


def _written(value: int, base: int) -> str:
    rest, reversed_digits = abs(value), ""
    while rest >= base:
        rest, digit = divmod(rest, base)
        reversed_digits += _DIGITS[digit]
    return ("-" if value < 0 else "") + _DIGITS[rest] + reversed_digits[::-1]
