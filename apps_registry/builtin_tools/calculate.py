"""Built-in tool: exact arithmetic over Python's expression syntax, without evaluating Python.

The expression is parsed by `ast` and evaluated here: only arithmetic is accepted. The work is limited by the length
and depth of the expression and by the size of its numbers (see `exact`).
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

from apps_registry.builtin_tools import exact
from apps_registry.builtin_tools.exact import Number
from apps_registry.tools.base import ToolError, quoted
from apps_registry.tools.builtin import builtin_tool

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_FACTORIAL = 449  # the largest whose factorial has at most 1,000 digits
_TYPOGRAPHY = str.maketrans({"×": "*", "÷": "/", "−": "-", "\n": " ", "\t": " ", "\r": " "})  # noqa: RUF001


@builtin_tool
def calculate(
    expression: Annotated[str, "Such as '(1.1 + 2) * 3 / 7' or 'round(1000 * 1.05**10, 2)'; up to 1000 characters"],
) -> dict[str, Any]:
    """Calculate an arithmetic expression exactly: integers and decimals with + - * / // % ** and parentheses,
    and abs, ceil, factorial, floor, max, min, round(x, digits) with halves away from zero, and sqrt.
    Use it for every calculation. "exact" tells whether "result" is the exact value or rounded.

    % is the remainder, and // and % round down, as in Python. Raises ToolError for anything that is not arithmetic, and
    for numbers of more than 1,000 digits.
    """
    source = _checked(expression)
    with exact.arithmetic():
        return exact.describe(_evaluate(_parsed(source), source, depth=0))


def _checked(expression: str) -> str:
    source = expression.translate(_TYPOGRAPHY).strip()
    if not source or len(source) > MAX_LENGTH:
        raise ToolError(f"The expression must have from 1 to {MAX_LENGTH} characters.")
    if "^" in source:
        raise ToolError("Write a power as 2**3, not with ^.")
    unknown_character = re.search(r"[^0-9A-Za-z_.+\-*/%(), ]", source)
    if unknown_character:
        raise ToolError(
            f"The character {quoted(unknown_character[0])} means nothing here. Use numbers, + - * / // % ** and ( )."
        )
    # Also rejects text that Python parses with a warning, such as "1and 2".
    joined = re.search(r"[0-9.](?![eE][+-]?[0-9])[A-Za-z]", source)
    if joined:
        raise ToolError(f"An operator is missing in {quoted(joined[0])}, or a number there is not decimal.")
    return source


def _parsed(source: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        hint = " Here % is the remainder: write 15 percent as 15/100." if "%" in source else ""
        raise ToolError(f"The expression cannot be read: {error.msg}.{hint}") from error
    except (RecursionError, MemoryError) as error:  # raised by the parser for thousands of nested operators
        raise ToolError("The expression is nested too deeply.") from error


def _evaluate(node: ast.expr, source: str, depth: int) -> Number:
    if depth > MAX_DEPTH:
        raise ToolError("The expression is nested too deeply.")
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            # Parsed from the source text: a float would already have lost digits.
            return exact.parse(source[node.col_offset : node.end_col_offset])
        case ast.BinOp():
            return _evaluate_chain(node, source, depth)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return exact.combine(operator.sub, Fraction(0), _evaluate(operand, source, depth + 1))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _evaluate(operand, source, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, [_evaluate(argument, source, depth + 1) for argument in arguments])
    raise ToolError(_complaint(node))


def _evaluate_chain(node: ast.BinOp, source: str, depth: int) -> Number:
    """Evaluate a + b + c ..., which the parser nests to the left, without one level of recursion per operator."""
    pending = [node]
    while isinstance(pending[-1].left, ast.BinOp):
        pending.append(pending[-1].left)
    value = _evaluate(pending[-1].left, source, depth + 1)
    for operation in reversed(pending):
        combine = _OPERATORS.get(type(operation.op))
        if combine is None:
            raise ToolError(_complaint(operation))
        value = combine(value, _evaluate(operation.right, source, depth + 1))
    return value


def _complaint(node: ast.expr) -> str:
    match node:
        case ast.Tuple():
            return "A comma only separates the arguments of a function: write 1000, not 1,000."
        case ast.Name(id=name):
            return f"{quoted(name)} is not a number. Write its value, or a function such as sqrt(2)."
        case ast.Call(func=ast.Constant() | ast.BinOp() | ast.Call()):
            return "An operator is missing before a parenthesis: write 2*(3), not 2(3)."
    return "Only numbers, + - * / // % **, parentheses and the functions of this tool can be used."


def _call(name: str, arguments: list[Number]) -> Number:
    if name not in _FUNCTIONS:
        raise ToolError(f"There is no function {quoted(name)}. The functions are: {', '.join(_FUNCTIONS)}.")
    function, least, most = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise ToolError(f"{name} takes {least if least == most else f'{least} to {most}'} arguments.")
    return function(*arguments)


def _whole(value: Number, least: int, most: int) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1 or not least <= value <= most:
        raise ToolError(f"The function takes a whole number from {least} to {most} as this argument.")
    return int(value)


def _like(value: Number, result: Fraction) -> Number:
    """Return a result computed from `value`: exact if `value` is exact."""
    return exact.bounded(result) if isinstance(value, Fraction) else exact.rounded(result)


def _floor(value: Number) -> Number:
    return _like(value, Fraction(math.floor(value)))


def _ceil(value: Number) -> Number:
    return _like(value, Fraction(math.ceil(value)))


def _round(value: Number, digits: Number = Fraction(0)) -> Number:
    scale = Fraction(10) ** _whole(digits, -exact.MAX_DIGITS, exact.MAX_DIGITS)
    size = math.floor(abs(Fraction(value)) * scale + Fraction(1, 2)) / scale
    return _like(value, size if value >= 0 else -size)


def _factorial(value: Number) -> Number:
    return Fraction(math.factorial(_whole(value, 0, MAX_FACTORIAL)))


def _fraction(value: Number) -> Fraction:
    return Fraction(value)


def _max(*values: Number) -> Number:
    return max(values, key=_fraction)


def _min(*values: Number) -> Number:
    return min(values, key=_fraction)


_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: partial(exact.combine, operator.add),
    ast.Sub: partial(exact.combine, operator.sub),
    ast.Mult: partial(exact.combine, operator.mul),
    ast.Div: partial(exact.combine, operator.truediv),
    ast.FloorDiv: partial(exact.combine_as_fractions, operator.floordiv),
    ast.Mod: partial(exact.combine_as_fractions, operator.mod),
    ast.Pow: exact.power,
}
# By name: the function, and its minimum and maximum number of arguments.
_FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "abs": (abs, 1, 1),
    "ceil": (_ceil, 1, 1),
    "factorial": (_factorial, 1, 1),
    "floor": (_floor, 1, 1),
    "max": (_max, 1, MAX_LENGTH),
    "min": (_min, 1, MAX_LENGTH),
    "round": (_round, 1, 2),
    "sqrt": (exact.square_root, 1, 1),
}
