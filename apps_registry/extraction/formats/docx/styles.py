"""The styles of a DOCX: which paragraphs are headings, and how text looks."""

import re
from dataclasses import dataclass, field, replace

from apps_registry.extraction.formats.colours import BLACK, MIN_CONTRAST, WHITE, Colour, contrast
from apps_registry.extraction.formats.docx.xml import Attributes, parse

MAX_ANCESTORS = 12
TINY_HALF_POINTS = 5
BODY_TEXT = 9  # the outline level of body text
_HEADING_NAME = re.compile(r"heading ([1-9])\Z", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]{6}\Z")
_OFF = {"0", "false", "off", "none"}
# White text is unreadable on these w:highlight colours; text of any colour is readable on the others.
_HIGHLIGHTS = {"white": WHITE}
UNKNOWN = "?"  # an unknown background: no text on it counts as hidden


@dataclass(frozen=True, slots=True)
class Look:
    """The appearance of text; None where nothing is specified.

    Attributes:
        is_hidden: by `w:vanish`.
        colour: six hexadecimal digits, or `auto`, which is readable on any background.
        size: in half points.
        ground: the background: six hexadecimal digits, or UNKNOWN.
        is_struck: by `w:strike` or `w:dstrike`.
    """

    is_hidden: bool | None = None
    colour: str | None = None
    size: int | None = None
    ground: str | None = None
    is_struck: bool | None = None

    def over(self, under: "Look") -> "Look":
        """Return this look; what it does not specify comes from the look under it."""
        return Look(
            under.is_hidden if self.is_hidden is None else self.is_hidden,
            self.colour or under.colour,
            under.size if self.size is None else self.size,
            self.ground or under.ground,
            under.is_struck if self.is_struck is None else self.is_struck,
        )

    def with_property(self, name: str, attributes: Attributes) -> "Look":
        """Return the look after applying an element of `w:rPr` or `w:pPr`."""
        value = attributes.get("val", "")
        match name:
            case "vanish":
                return replace(self, is_hidden=value not in _OFF)
            case "strike" | "dstrike":
                return replace(self, is_struck=value not in _OFF)
            case "color":
                return replace(self, colour=value if _HEX.match(value) else "auto")
            case "sz" if value.isdecimal() and len(value) < 6:
                return replace(self, size=int(value))
            case "shd":
                return replace(self, ground=shade(attributes) or self.ground)
            case "highlight":
                return replace(self, ground="FFFFFF" if value in _HIGHLIGHTS else UNKNOWN)
        return self

    @property
    def hides_text(self) -> bool:
        """Whether a reader would not see text that looks like this."""
        if self.is_hidden or (self.size is not None and self.size < TINY_HALF_POINTS):
            return True
        if self.ground == UNKNOWN or not self.colour or self.colour == "auto":
            return False
        return contrast(_colour(self.colour), _colour(self.ground or "FFFFFF")) < MIN_CONTRAST


@dataclass(slots=True)
class Style:
    """A style, and the style that it is based on."""

    parent: str = ""
    level: int | None = None
    look: Look = field(default_factory=Look)
    has_shades: bool = False
    number: str = ""  # of the list that numbers its paragraphs
    number_level: str = ""


class Styles:
    """The styles of a document by id; style names are translated, ids are not."""

    def __init__(self, part: bytes = b"") -> None:
        self._styles: dict[str, Style] = {}
        self._current = self._defaults = Style()
        self.standard = ""  # the style of paragraphs that name no style
        if part:
            parse(part, self._start)

    def level(self, style: str) -> int | None:
        """Return the heading level of a style, 0 for the title; None if it is not a heading."""
        level = next((ancestor.level for ancestor in self._line(style) if ancestor.level is not None), None)
        return None if level == BODY_TEXT + 1 else level

    def look(self, style: str) -> Look:
        """Return the look of a style, including the styles that it is based on."""
        look = Look()
        for ancestor in self._line(style):
            look = look.over(ancestor.look)
        return look

    @property
    def default(self) -> Look:
        """The look of text without any formatting."""
        return self._defaults.look

    def has_shades(self, style: str) -> bool:
        """Tell whether a table style gives cells a background."""
        return any(ancestor.has_shades for ancestor in self._line(style))

    def list_place(self, style: str) -> tuple[str, str]:
        """Return the id of the list that numbers paragraphs of a style, and the level in it; empty if none."""
        ancestors = self._line(style)
        return (
            next((ancestor.number for ancestor in ancestors if ancestor.number), ""),
            next((ancestor.number_level for ancestor in ancestors if ancestor.number_level), ""),
        )

    def _line(self, style: str) -> list[Style]:
        """Return a style and its ancestors; hostile files may contain cycles."""
        ancestors: list[Style] = []
        while style in self._styles and len(ancestors) < MAX_ANCESTORS:
            ancestors.append(self._styles[style])
            style = ancestors[-1].parent
        return ancestors

    def _start(self, name: str, attributes: Attributes) -> None:
        value, style = attributes.get("val", ""), self._current
        match name:
            case "style":
                self._current = self._styles[attributes.get("styleId", "")] = Style()
                if attributes.get("type") == "paragraph" and attributes.get("default", "0") not in _OFF:
                    self.standard = attributes.get("styleId", "")
            case "basedOn":
                style.parent = value
            case "name" if match := _HEADING_NAME.match(value):
                style.level = int(match[1])
            case "name" if value.lower() == "title":
                style.level = 0
            case "outlineLvl" if style.level is None and value.isdecimal():
                style.level = int(value[:2]) + 1
            case "numId":
                style.number = value
            case "ilvl":
                style.number_level = value
            case "shd":
                style.has_shades = style.has_shades or bool(shade(attributes))
                style.look = style.look.with_property(name, attributes)
            case _:
                style.look = style.look.with_property(name, attributes)


def shade(attributes: Attributes) -> str:
    """Return the background that `w:shd` sets; empty if none."""
    fill, pattern = attributes.get("fill", ""), attributes.get("val", "clear")
    if pattern not in {"clear", "nil"}:
        return UNKNOWN
    return fill if _HEX.match(fill) else (UNKNOWN if attributes.get("themeFill") else "")


def _colour(digits: str) -> Colour:
    if not _HEX.match(digits):
        return BLACK
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue
