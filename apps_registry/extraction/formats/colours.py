"""Colours, and whether text in one colour is visible on another."""

from functools import lru_cache

Colour = tuple[float, float, float]
WHITE = (1.0, 1.0, 1.0)
BLACK = (0.0, 0.0, 0.0)
MIN_CONTRAST = 1.25  # near-white on white has less; the W3C recommends 4.5 for text


@lru_cache(4096)
def contrast(first: Colour, second: Colour) -> float:
    """Return the contrast of two colours as WCAG 2 defines it, from 1."""
    lights = sorted(
        sum(part * _linear(value) for part, value in zip((0.2126, 0.7152, 0.0722), colour, strict=True))
        for colour in (first, second)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _linear(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
