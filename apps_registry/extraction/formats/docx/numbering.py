"""The automatic numbers of a DOCX (ECMA-376-1, 17.9), which Word shows before a paragraph but does not store."""

import re
from dataclasses import dataclass, field

from apps_registry.extraction.formats.docx.xml import Attributes, parse

LEVELS = 9
_OFF = {"0", "false", "off"}
_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_CHINESE = "零一二三四五六七八九"
_CHINESE_FORMATS = {"chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCounting"}
_CHINESE_FORMATS |= {"taiwaneseCountingThousand", "ideographTraditional"}
_NO_NUMBER = {"bullet", "none"}


@dataclass(slots=True)
class Level:
    """How a level of a list is numbered."""

    start: int = 1
    format: str = "decimal"
    text: str = ""
    restarts: bool = True
    is_decimal: bool = False  # `isLgl`: all numbers in it are decimal
    style: str = ""


@dataclass(slots=True)
class _Counters:
    """The current numbers of a list; -1: not begun."""

    values: list[int] = field(default_factory=lambda: [-1] * LEVELS)


class Numbering:
    """The lists of a document, and the current number of each."""

    def __init__(self, part: bytes = b"") -> None:
        self._lists: dict[str, list[Level]] = {}  # of abstract definitions
        self._numbers: dict[str, str] = {}  # number id -> abstract definition
        self._starts: dict[tuple[str, int], int] = {}
        self._counters: dict[str, _Counters] = {}
        self._started: set[tuple[str, int]] = set()
        self._abstract = self._number = ""
        self._level = self._override = 0
        if part:
            parse(part, self._start)

    def level_of_style(self, number: str, style: str) -> int:
        """Return the level of a list that belongs to a paragraph style; 0 if none does."""
        levels = self._lists.get(self._numbers.get(number, ""), [])
        return next((at for at, level in enumerate(levels) if level.style == style), 0)

    def label(self, number: str, at: int) -> str:
        """Count a paragraph and return its number as Word shows it; empty for bullets.

        Args:
            number: the id of its list.
            at: its level, counted from 0.
        """
        abstract = self._numbers.get(number, "")
        levels = self._lists.get(abstract)
        if levels is None or not 0 <= at < LEVELS:
            return ""
        counters = self._counters.setdefault(abstract, _Counters()).values
        self._count(counters, levels, number, at)
        if levels[at].format in _NO_NUMBER:
            return ""
        return _PLACE.sub(lambda match: self._shown(levels, counters, at, int(match[1]) - 1), levels[at].text).strip()

    def _count(self, counters: list[int], levels: list[Level], number: str, at: int) -> None:
        key = (number, at)
        if key in self._starts and key not in self._started:
            counters[at] = self._starts[key] - 1
            self._started.add(key)
        counters[at] = counters[at] + 1 if counters[at] >= 0 else levels[at].start
        for above in range(at):
            counters[above] = counters[above] if counters[above] >= 0 else levels[above].start
        for below in range(at + 1, LEVELS):
            counters[below] = -1 if levels[below].restarts else counters[below]

    def _shown(self, levels: list[Level], counters: list[int], at: int, level: int) -> str:
        is_decimal = levels[at].is_decimal
        return spelled(max(0, counters[level]), "decimal" if is_decimal else levels[level].format)

    def _start(self, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        match name:
            case "abstractNum":
                self._abstract = attributes.get("abstractNumId", "")
                self._lists[self._abstract] = [Level() for _ in range(LEVELS)]
                self._number = ""
            case "num":
                self._number, self._abstract = attributes.get("numId", ""), ""
            case "abstractNumId" if self._number:
                self._numbers[self._number] = value
            case "lvlOverride":
                self._override = _number(attributes.get("ilvl", ""), 0)
            case "startOverride":
                self._starts[self._number, self._override] = _number(value, 1)
            case "lvl":
                self._level = min(_number(attributes.get("ilvl", ""), 0), LEVELS - 1)
            case _ if self._abstract in self._lists:
                self._set(self._lists[self._abstract][self._level], name, value)

    def _set(self, level: Level, name: str, value: str) -> None:
        match name:
            case "start":
                level.start = _number(value, 1)
            case "numFmt":
                level.format = value
            case "lvlText":
                level.text = value
            case "lvlRestart":
                level.restarts = value != "0"
            case "isLgl":
                level.is_decimal = value not in _OFF
            case "pStyle":
                level.style = value


def spelled(number: int, form: str) -> str:
    """Return a number in a format of `w:numFmt`; in decimals if the format is unknown."""
    match form:
        case "decimalZero":
            return f"{number:02}"
        case "lowerLetter" | "upperLetter" if number:
            letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
            return letter if form.startswith("lower") else letter.upper()
        case "lowerRoman" | "upperRoman" if number < 5000:
            return _roman(number) if form.startswith("lower") else _roman(number).upper()
        case "ordinal":
            ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
            return f"{number}{ending}"
        case "none" | "bullet":
            return ""
        case _ if form in _CHINESE_FORMATS and 0 < number < 100:
            return _chinese(number)
    return str(number)


def _roman(number: int) -> str:
    letters = ""
    for value, letter in _ROMAN:
        letters += letter * (number // value)
        number %= value
    return letters


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    begin = "" if not tens else "十" if tens == 1 else f"{_CHINESE[tens]}十"
    return begin + (_CHINESE[ones] if ones else "")


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else default
