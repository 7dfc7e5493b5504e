"""Numbers for the tools: exact fractions while possible, otherwise decimals of a stated precision.

The type tells which: a Fraction is exact; a Decimal has been rounded at some step, and so is every result computed from
it. All numbers have at most 1,000 digits, so every step is fast.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    Underflow,
    localcontext,
)
from fractions import Fraction
from typing import Any

from apps_registry.tools.base import ToolError, quoted

Number = Fraction | Decimal

MAX_DIGITS = 1000
WORKING_DIGITS = 60  # of a rounded number, so that rounding errors do not reach the digits that are shown
SHOWN_DIGITS = 30  # of a number that is not shown exactly
SHOWN_DECIMALS = 100  # decimal places; a longer number is shown rounded
_LIMIT: int = 10**MAX_DIGITS
_TOO_LARGE = f"The number is too large or too small: at most {MAX_DIGITS} digits can be handled."
_CONTEXT = Context(
    prec=WORKING_DIGITS,
    Emax=MAX_DIGITS - 1,
    Emin=1 - MAX_DIGITS,
    traps=[InvalidOperation, DivisionByZero, Overflow, Underflow],
)
_DECIMAL = re.compile(r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE](?P<exponent>[+-]?[0-9]+))?")


@contextmanager
def arithmetic() -> Iterator[None]:
    """Set the precision of Decimals and turn arithmetic errors into ToolError."""
    with localcontext(_CONTEXT):
        try:
            yield
        except ZeroDivisionError as error:
            raise ToolError("Division by zero.") from error
        except (Overflow, Underflow) as error:
            raise ToolError(_TOO_LARGE) from error
        except InvalidOperation as error:
            raise ToolError("The expression has no real value.") from error


def parse(text: str) -> Fraction:
    """Read a decimal number such as "-1_000.25e3", exactly; raises ToolError."""
    if len(text) > 2 * MAX_DIGITS:
        raise ToolError(_TOO_LARGE)
    matched = _DECIMAL.fullmatch(text.strip())
    if not matched:
        raise ToolError(f"{quoted(text)} is not a decimal number. Write one such as 1234.5, without separators.")
    # Checked first: converting 1e999999999 would take all memory.
    if abs(int(matched["exponent"] or 0)) > MAX_DIGITS:
        raise ToolError(_TOO_LARGE)
    value = Fraction(matched[0].replace("_", ""))
    if not _is_small(value):
        raise ToolError(_TOO_LARGE)
    return value


def bounded(value: Fraction) -> Number:
    """Return the value, rounded to a Decimal if it takes more than 1,000 digits to write exactly."""
    return value if _is_small(value) else rounded(value)


def rounded(value: Number) -> Decimal:
    """Return the value to 60 significant digits."""
    return value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)


def combine(operation: Callable[[Any, Any], Any], left: Number, right: Number) -> Number:
    """Apply an operator, exactly when both sides are exact."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bounded(Fraction(operation(left, right)))
    return Decimal(operation(rounded(left), rounded(right)))


def combine_as_fractions(operation: Callable[[Any, Any], Any], left: Number, right: Number) -> Number:
    """Apply // or %, rounding down as in mathematics; Decimal's own would round towards zero."""
    result = Fraction(operation(Fraction(left), Fraction(right)))
    is_exact = isinstance(left, Fraction) and isinstance(right, Fraction)
    return bounded(result) if is_exact else rounded(result)


def power(base: Number, exponent: Number) -> Number:
    """Return base ** exponent; exact for whole exponents and for square roots of perfect squares.

    Raises:
        ZeroDivisionError: the base is zero and the exponent is negative.
        ToolError: the base is negative and the exponent is one half.
    """
    if isinstance(exponent, Fraction):
        if exponent == Fraction(1, 2):
            return square_root(base)
        if isinstance(base, Fraction) and exponent.denominator == 1 and _power_is_small(base, int(exponent)):
            return bounded(base ** int(exponent))
    if not base and exponent < 0:
        raise ZeroDivisionError
    return rounded(base) ** rounded(exponent)


def square_root(value: Number) -> Number:
    """Return the square root, exact if possible; raises ToolError for a negative number."""
    if value < 0:
        raise ToolError("A negative number has no real square root.")
    if isinstance(value, Fraction):
        root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        if root * root == value:
            return root
    return rounded(value).sqrt()


def describe(value: Number) -> dict[str, Any]:
    """Return a number as JSON: `result` in decimal, and whether that is the `exact` value.

    If it is not: `precision` in words and, if it is short enough, the exact `fraction`.
    """
    if isinstance(value, Fraction) and 10**SHOWN_DECIMALS % value.denominator == 0:
        return {"result": _terminating(value), "exact": True}
    precision = f"rounded to {SHOWN_DIGITS} significant digits"
    described: dict[str, Any] = {"result": _shown(rounded(value)), "exact": False, "precision": precision}
    if isinstance(value, Decimal):
        described["precision"] += f", after intermediate results of {WORKING_DIGITS}"
    elif len(str(value)) <= SHOWN_DECIMALS:
        described["fraction"] = str(value)
    return described


def _is_small(value: Fraction) -> bool:
    return abs(value.numerator) < _LIMIT and value.denominator <= _LIMIT


def _power_is_small(base: Fraction, exponent: int) -> bool:
    """Estimate whether a power fits the limit; a power that passes has at most twice as many digits."""
    bits = max(abs(base.numerator), base.denominator).bit_length() - 1
    return bits * abs(exponent) <= _LIMIT.bit_length()


def _terminating(value: Fraction) -> str:
    with localcontext(Context(prec=2 * MAX_DIGITS + 2)):
        text = format(Decimal(value.numerator) / Decimal(value.denominator), "f")
    return text


def _shown(value: Decimal) -> str:
    with localcontext(Context(prec=SHOWN_DIGITS)):
        short = value.normalize()
    return format(short, "f") if -10 < short.adjusted() < SHOWN_DIGITS or not short else str(short)
