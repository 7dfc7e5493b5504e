"""The effects of an HTML element's styles: whether its text is visible, and what its children inherit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import tinycss2
from tinycss2.color3 import RGBA, parse_color

from apps_registry.extraction.formats.colours import BLACK, MIN_CONTRAST, WHITE, Colour, contrast

MIN_OPACITY = 0.1
MIN_FONT_PIXELS = 3.0
TINY_PIXELS = 2.0
FAR_PIXELS = 400.0
_PIXELS = {"px": 1.0, "": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "cm": 37.8, "mm": 3.78}
_PIXELS |= {"in": 96.0, "pc": 16.0, "vw": 14.4, "vh": 9.0, "%": 10.0}
_SIZE = re.compile(r"(-?\d*\.?\d+)([a-z%]*)", re.IGNORECASE)
_NOTHING = r"(?:0*\.?0+)(?:px|em|rem|%)?"
_SCALED_AWAY = re.compile(
    r"scale(?:x|y|3d)?\(\s*(?:[^)]*,\s*)?0*(?:\.0\d*|\.?0*)\s*[,)]|matrix\(\s*0*\.?0*\s*,", re.IGNORECASE
)
_CLIPPED = re.compile(
    rf"rect\(\s*(?:{_NOTHING}|1px)[\s,]+(?:{_NOTHING}|1px)[\s,]+(?:{_NOTHING}|1px)[\s,]+(?:{_NOTHING}|1px)\s*\)"
    r"|inset\(\s*(?:50|[6-9]\d|100)%|(?:circle|ellipse)\(\s*0|polygon\(\s*0(?:px|%)?\s+0(?:px|%)?\s*(?:,\s*0(?:px|%)?\s+0(?:px|%)?\s*)*\)",
    re.IGNORECASE,
)

Style = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """The appearance that an element passes on to its children: text colour, size and background.

    Attributes:
        background: None for a picture or similar, against which contrast cannot be computed.
        font: the font size in pixels.
        is_invisible: by `visibility`, which child elements can override.
    """

    colour: Colour | None = BLACK
    background: Colour | None = WHITE
    font: float = 16.0
    is_invisible: bool = False

    @property
    def hides_text(self) -> bool:
        """Whether a reader would not see text here."""
        if self.is_invisible or self.font < MIN_FONT_PIXELS or self.colour is None:
            return True
        return self.background is not None and contrast(self.colour, self.background) < MIN_CONTRAST


@lru_cache(4096)
def judge_style(style: Style, above: "Ground") -> tuple[bool, bool, "Ground"]:
    """Return whether a style hides an element permanently, whether until revealed, and what the element passes on."""
    declared = dict(style)
    return hides_permanently(declared), hides_until_revealed(declared), ground_of(declared, above)


def hides_until_revealed(style: Mapping[str, str]) -> bool:
    """Tell whether a style hides an element in a way that a control on the page can undo."""
    if style.get("display") == "none" or style.get("content-visibility") == "hidden":
        return True
    if _opacity(style.get("opacity", "1")) <= MIN_OPACITY:
        return True
    is_cut = any(
        style.get(name, "").split(" ")[0] in {"hidden", "clip"} for name in ("overflow", "overflow-x", "overflow-y")
    )
    return is_cut and any(
        (size := pixels(style.get(name, ""))) is not None and size <= TINY_PIXELS
        for name in ("height", "max-height", "width", "max-width")
    )


def is_struck(tag: str, attributes: Mapping[str, str | None], style: Mapping[str, str]) -> bool:
    """Tell whether an element is deleted or struck through, so that its text is no longer valid."""
    if tag == "del" or attributes.get("role") == "deletion":
        return True
    decoration = f"{style.get('text-decoration', '')} {style.get('text-decoration-line', '')}".strip()
    return "line-through" in decoration if decoration else tag in {"s", "strike"}


def hides_permanently(style: Mapping[str, str]) -> bool:
    """Tell whether a style moves, scales or clips an element so that no reader can see it."""
    moves = f"{style.get('transform', '')} {style.get('translate', '')}"
    if _SCALED_AWAY.search(style.get("transform", "")) or re.fullmatch(r"0*\.?0+%?( .*)?", style.get("scale", "1")):
        return True
    if _CLIPPED.search(f"{style.get('clip', '')} {style.get('clip-path', '')}"):
        return True
    if (match := re.search(r"opacity\(\s*([\d.]+%?)", style.get("filter", ""))) and _opacity(match[1]) <= MIN_OPACITY:
        return True
    edges = (
        ("left", "top", "right", "bottom")
        if style.get("position") in {"absolute", "fixed", "relative", "sticky"}
        else ()
    )
    far = [pixels(style.get(name, "")) for name in (*edges, "margin-left", "margin-top", "text-indent")]
    far += [
        _length(*match.groups()) for match in _SIZE.finditer(moves) if "translate" in moves or style.get("translate")
    ]
    return any(size is not None and size <= -FAR_PIXELS for size in far)


def ground_of(style: Mapping[str, str], above: Ground) -> Ground:
    """Return what an element passes on, given what its parent passed to it."""
    background = _background(style, above.background)
    colour = above.colour
    clip = f"{style.get('background-clip', '')} {style.get('-webkit-background-clip', '')}"
    if (value := style.get("-webkit-text-fill-color") or style.get("color")) and (parsed := _parsed(value)):
        is_cut_out = "text" in clip or (parsed.alpha <= MIN_OPACITY and background is None)
        colour = _colour(parsed) if parsed.alpha > MIN_OPACITY else (above.colour if is_cut_out else None)
    visibility = style.get("visibility")
    is_invisible = above.is_invisible if visibility in {None, "inherit"} else visibility in {"hidden", "collapse"}
    return Ground(colour, background, _font(style, above.font), is_invisible)


def pixels(text: str) -> float | None:
    """Return a length in pixels, approximately; None if it is not a length."""
    match = _SIZE.fullmatch(text.strip())
    return _length(*match.groups()) if match else None


def _length(number: str, unit: str) -> float | None:
    factor = _PIXELS.get(unit.lower())
    return float(number) * factor if factor is not None else None


def _opacity(text: str) -> float:
    try:
        return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return 1.0


def _font(style: Mapping[str, str], above: float) -> float:
    size_text = style.get("font-size") or ""
    if not size_text and (match := re.search(r"(?<![\w.-])(\d*\.?\d+(?:px|pt|em|rem|%))", style.get("font", ""))):
        size_text = match[1]
    if match := re.fullmatch(r"(\d*\.?\d+)(em|%)", size_text):
        return above * float(match[1]) / (100 if match[2] == "%" else 1)
    size = pixels(size_text)
    return above if size is None else size


def _background(style: Mapping[str, str], above: Colour | None) -> Colour | None:
    values = [style.get(name, "") for name in ("background", "background-color", "background-image")]
    if any("url(" in value or "gradient(" in value for value in values):
        return None
    for value in (values[1], values[0]):
        for token in tinycss2.parse_component_value_list(value, skip_comments=True):
            if (parsed := _parsed(tinycss2.serialize([token]))) and parsed.alpha > 0.5:
                return _colour(parsed)
    return above


def _parsed(value: str) -> RGBA | None:
    parsed = parse_color(value)
    return parsed if isinstance(parsed, RGBA) else None


def _colour(parsed: RGBA) -> Colour:
    return float(parsed.red), float(parsed.green), float(parsed.blue)
