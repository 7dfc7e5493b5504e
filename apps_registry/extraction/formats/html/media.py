"""Whether the media queries of a style sheet match a visitor's screen (https://www.w3.org/TR/mediaqueries-5)."""

import re

# A desktop screen; rules for other screens are ignored.
SCREEN_PIXELS = {"width": 1440.0, "device-width": 1440.0, "height": 900.0, "device-height": 900.0}
_PIXELS = {"px": 1.0, "em": 16.0, "rem": 16.0, "cm": 37.8, "mm": 3.78, "in": 96.0, "pt": 4 / 3, "": 1.0}
_TYPE = re.compile(r"\A(?:(not|only)\s+)?([a-z][a-z-]*)")
_FEATURE = re.compile(r"(min|max)-((?:device-)?(?:width|height))\s*:\s*(-?\d*\.?\d+)\s*([a-z]*)")
_RANGE = re.compile(r"(width|height)\s*(<=?|>=?)\s*(\d*\.?\d+)\s*([a-z]*)")
_OTHERWISE = re.compile(
    r"orientation\s*:\s*portrait|hover\s*:\s*none|pointer\s*:\s*(?:coarse|none)|prefers-[a-z-]+\s*:\s*(?!no-preference|light)"
    r"|forced-colors\s*:\s*active|scripting\s*:\s*none"
)


def holds_on_screen(query: str) -> bool:
    """Tell whether at least one query of a list matches; an empty list matches."""
    queries = [part.strip().lower() for part in query.split(",")]
    return not any(queries) or any(map(_holds, filter(None, queries)))


def _holds(query: str) -> bool:
    kind = _TYPE.match(query)
    is_negated, name = (kind[1] == "not", kind[2]) if kind else (False, "all")
    if name in {"not", "and", "or"}:  # a condition in parentheses follows
        is_negated, name = name == "not", "all"
    fits = name in {"all", "screen"} and not _OTHERWISE.search(query)
    for bound, feature, number, unit in _FEATURE.findall(query):
        size = float(number) * _PIXELS.get(unit, 1.0)
        fits &= SCREEN_PIXELS[feature] >= size if bound == "min" else SCREEN_PIXELS[feature] <= size
    for feature, sign, number, unit in _RANGE.findall(query):
        size = float(number) * _PIXELS.get(unit, 1.0)
        fits &= SCREEN_PIXELS[feature] <= size if sign[0] == "<" else SCREEN_PIXELS[feature] >= size
    return fits is not is_negated
