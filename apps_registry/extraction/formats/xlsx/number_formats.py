"""Number formats of spreadsheets (ECMA-376-1, 18.8.31), without colours and widths, in their English form.

No library does this well: ssf 0.2.2 is no longer maintained, depends on 50 MB of calendars, and follows the locale of
the process; q2numfmt 0.1.1 drops units.
"""

import math
import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import takewhile

MAX_FORMAT_CHARS = 255  # as in Excel
MAX_DECIMALS = 30
_MAX_EXACT = 1e15  # a number of more digits is not exact
_EXACT = Context(prec=2000)  # enough for the largest number with a format full of percent signs
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|(?P<padding>_.)|(?P<fill>\*.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|\[(?P<condition>[<>=]{1,2}-?[\d.]+)\]|\[[^\]]*\]|(?P<general>General)|(?P<exponent>E[+-])|(?P<digit>[0#?])"
    r"|(?P<sign>[.,%/@;])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_LITERALS = {"quoted", "escaped", "currency", "other"}
_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_CONDITION = re.compile(r"([<>=]+)(-?[\d.]+)")

Token = tuple[str, str]  # kind, and text


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a format, for some of the values.

    Attributes:
        condition: a comparison and a number; None: decided by the place of the section.
    """

    tokens: tuple[Token, ...]
    condition: tuple[str, float] | None = None

    def has(self, kind: str, text: str = "") -> bool:
        return any(token[0] == kind and (not text or token[1] == text) for token in self.tokens)


def shown_number(value: float, number_format: str) -> str:
    """Return a number as a format shows it; with commas between thousands and a decimal point.

    Args:
        value: the number.
        number_format: such as `#,##0.00 "EUR";[Red](0)`.
    """
    if not math.isfinite(value):
        return str(value)
    sections = _sections(number_format[:MAX_FORMAT_CHARS])
    section, is_signless = _section_for(value, sections)
    is_plain = section.has("sign", "@") and not section.has("digit")
    if is_plain or section.has("general"):
        number = plain_number(abs(value) if is_signless else value)
        return "".join(number if kind == "general" or text == "@" else text for kind, text in section.tokens).strip()
    text = " ".join(_rendered(section, abs(value)).split())
    return f"-{text}" if value < 0 and not is_signless and re.search(r"[1-9]", text) else text


def shown_text(value: str, number_format: str) -> str:
    """Return a text as a format shows it: by its fourth section, or by its only one if that is for text."""
    sections = _sections(number_format[:MAX_FORMAT_CHARS])
    section = sections[3] if len(sections) > 3 else sections[0] if len(sections) == 1 else None
    if section is None or (len(sections) == 1 and not section.has("sign", "@")):
        return value
    return "".join(value if text == "@" and kind == "sign" else text for kind, text in section.tokens).strip()


def plain_number(value: float) -> str:
    """Return a number without a format."""
    return f"{value:.15g}" if abs(value) < _MAX_EXACT else f"{value:.0f}"


@lru_cache(1000)  # a sheet has few formats and up to a million cells
def _sections(number_format: str) -> tuple[Section, ...]:
    sections: list[Section] = []
    tokens: list[Token] = []
    condition: tuple[str, float] | None = None
    for match in [*_TOKEN.finditer(number_format), None]:
        kind, text = (match.lastgroup or "", match[match.lastgroup or 0]) if match else ("sign", ";")
        if (kind, text) == ("sign", ";"):
            sections.append(Section(tuple(tokens), condition))
            tokens, condition = [], None
        elif kind == "condition":
            condition = _condition(text)
        elif kind == "padding":
            tokens.append(("literal", " "))
        elif kind in _LITERALS:
            tokens.append(("literal", text))
        elif kind and kind != "fill":
            tokens.append((kind, text))
    return tuple(sections)


def _condition(text: str) -> tuple[str, float] | None:
    match = _CONDITION.fullmatch(text)
    try:
        return (match[1], float(match[2])) if match and match[1] in _COMPARE else None
    except ValueError:
        return None


def _section_for(value: float, sections: Sequence[Section]) -> tuple[Section, bool]:
    """Return the section for a number, and whether the section itself shows that the number is negative."""
    numeric = sections[:3]
    if any(section.condition for section in numeric):
        for section in numeric:
            if section.condition is None or _COMPARE[section.condition[0]](value, section.condition[1]):
                return section, section.condition is not None and section.condition in {("<", 0.0), ("<=", 0.0)}
        return numeric[-1], False
    if value < 0 and len(numeric) > 1:
        return numeric[1], True
    return (numeric[2] if value == 0 and len(numeric) > 2 else numeric[0]), False


@dataclass(frozen=True, slots=True)
class _Usual:
    """A section with adjacent digits, as in most formats, which is formatted five times as fast."""

    before: str
    after: str
    form: str  # for format()
    factor: float
    has_zero: bool  # a zero before the point is shown


@lru_cache(1000)
def _usual(section: Section) -> _Usual | None:
    """Return the fast form of a section; None if it has none."""
    tokens = section.tokens
    slots = [at for at, (kind, _) in enumerate(tokens) if kind == "digit"]
    if not slots or section.has("exponent") or section.has("sign", "/") or ("sign", ".") in tokens[: slots[0]]:
        return None
    digits = "".join(text for _, text in tokens[slots[0] : slots[-1] + 1])
    whole, _, part = digits.partition(".")
    zeros = len((whole.replace(",", "") + "0").lstrip("#")) - 1
    if not re.fullmatch(r"[#0,]+(?:\.0{1,30})?", digits) or ("," in whole.rstrip(",") and zeros > 1):
        return None
    point = slots[0] + len(whole)
    scale = 100 ** sum(token == ("sign", "%") for token in tokens) / 1000 ** _scaling_commas(tokens, slots, point)
    width = f"0{zeros + bool(part) + len(part)}" if zeros > 1 else ""
    form = f"{width}{',' if ',' in whole.rstrip(',') else ''}.{len(part)}f"
    sides = (tokens[: slots[0]], tokens[slots[-1] + 1 :])
    before, after = ("".join(text for kind, text in side if kind == "literal" or text == "%") for side in sides)
    return _Usual(before, after, form, scale, zeros > 0)


def _rendered(section: Section, value: float) -> str:
    tokens = section.tokens
    if (usual := _usual(section)) and value < _MAX_EXACT:
        # Excel rounds the decimal number, such as 2.675, which is slightly less as a binary one.
        number = format(value * usual.factor * (1 + 1e-15), usual.form)
        return usual.before + (number if usual.has_zero else number.removeprefix("0")) + usual.after
    if section.has("exponent") and section.has("digit"):
        return _scientific(tokens, value)
    if section.has("sign", "/") and section.has("digit"):
        return _fraction(tokens, value)
    point = next((at for at, token in enumerate(tokens) if token == ("sign", ".")), len(tokens))
    slots = [at for at, (kind, _) in enumerate(tokens) if kind == "digit"]
    decimals = [tokens[at][1] for at in slots if at > point][:MAX_DECIMALS]
    scale = 2 * sum(token == ("sign", "%") for token in tokens) - 3 * _scaling_commas(tokens, slots, point)
    exact = Decimal(f"{value:.15g}").scaleb(scale, _EXACT)
    exact = exact.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP, _EXACT)
    whole, _, part = f"{exact:f}".partition(".")
    integers = iter(_integer_digits(tokens, [at for at in slots if at < point], whole))
    fraction = iter(part.ljust(len(decimals), "0"))
    shown_decimals = _kept_decimals(decimals, part)
    return "".join(_pieces(tokens, point, integers, fraction, shown_decimals))


def _pieces(
    tokens: Sequence[Token], point: int, integers: Iterator[str], fraction: Iterator[str], shown_decimals: int
) -> Iterator[str]:
    """Yield the text of each token; `shown_decimals` is how many decimals are shown."""
    decimals = 0
    for at, (kind, text) in enumerate(tokens):
        if kind == "digit" and at < point:
            yield next(integers)
        elif kind == "digit":
            decimals += 1
            digit = next(fraction, "")
            yield digit if decimals <= shown_decimals else ""
        elif at == point:
            yield "".join(integers) + ("." if shown_decimals else "")
        elif kind == "literal" or text == "%":
            yield text


def _scaling_commas(tokens: Sequence[Token], slots: Sequence[int], point: int) -> int:
    """Return how many commas follow the last digit, or the last one before the point; each divides by a thousand."""
    ends = {max((at for at in slots if at < point), default=-1), max(slots, default=-1)} - {-1}
    runs = (takewhile(lambda token: token == ("sign", ","), tokens[end + 1 :]) for end in ends)
    return sum(1 for run in runs for _ in run)


def _integer_digits(tokens: Sequence[Token], slots: Sequence[int], whole: str) -> list[str]:
    """Return what each digit position before the point shows; the first one also shows all further digits."""
    if not slots:
        return ["" if whole == "0" else whole]
    needed = len(slots) - next((n for n, at in enumerate(slots) if tokens[at][1] == "0"), len(slots))
    digits = ("" if whole == "0" else whole).rjust(needed, "0")
    between = tokens[slots[0] : slots[-1]]
    if ("sign", ",") in between:
        grouped = re.sub(r"(?<=\d)(?=(?:\d{3})+\Z)", ",", digits)
        return [grouped] + [""] * (len(slots) - 1)
    shown = list(digits[-(len(slots) - 1) :] if len(slots) > 1 else "")
    first = digits[: len(digits) - len(shown)]
    shown = [first, *[""] * (len(slots) - 1 - len(shown)), *shown]
    return shown


def _kept_decimals(decimals: Sequence[str], part: str) -> int:
    """Return how many decimals are shown: zeros at the end only where the format has a zero."""
    shown_decimals = len(decimals)
    while (
        shown_decimals
        and decimals[shown_decimals - 1] != "0"
        and (shown_decimals > len(part) or part[shown_decimals - 1] == "0")
    ):
        shown_decimals -= 1
    return shown_decimals


def _scientific(tokens: Sequence[Token], value: float) -> str:
    at = next(position for position, (kind, _) in enumerate(tokens) if kind == "exponent")
    point = next((position for position, token in enumerate(tokens[:at]) if token == ("sign", ".")), at)
    decimals = sum(kind == "digit" for kind, _ in tokens[point:at])
    width = sum(kind == "digit" for kind, _ in tokens[at:])
    mantissa, _, exponent = f"{value:.{decimals}E}".partition("E")
    sign = "-" if exponent.startswith("-") else "+" if tokens[at][1].endswith("+") else ""
    number = f"{mantissa}E{sign}{exponent.lstrip('+-0').rjust(width, '0')}"
    return _around(tokens, number, max(position for position, (kind, _) in enumerate(tokens) if kind == "digit") + 1)


def _fraction(tokens: Sequence[Token], value: float) -> str:
    slash = tokens.index(("sign", "/"))
    after = next(
        (at for at, (_, text) in enumerate(tokens) if at > slash and not re.match(r"[\d?#]", text)), len(tokens)
    )
    below = "".join(text for _, text in tokens[slash + 1 : after])
    before = [at for at, (kind, _) in enumerate(tokens[:slash]) if kind == "digit"]
    has_whole = any(kind == "literal" for kind, _ in tokens[before[0] : slash]) if before else False
    whole = int(value) if has_whole else 0
    if below.strip("0").isdecimal():
        over, under = round((value - whole) * int(below)), int(below)
    else:
        over, under = Fraction(value - whole).limit_denominator(10 ** min(len(below), 5) - 1 or 1).as_integer_ratio()
    if has_whole and over == under:
        whole, over = whole + 1, 0
    parts = f"{over}/{under}" if over or not has_whole else ""
    return _around(tokens, " ".join(filter(None, [str(whole) if whole or not parts else "", parts])), after)


def _around(tokens: Sequence[Token], number: str, after: int) -> str:
    """Return a number between the literals before the first digit and those from `after`."""
    first = next(at for at, (kind, _) in enumerate(tokens) if kind == "digit")
    before = "".join(text for kind, text in tokens[:first] if kind == "literal")
    return before + number + "".join(text for kind, text in tokens[after:] if kind == "literal")
