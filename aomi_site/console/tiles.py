"""Tiles: a number with its name, at the top of a page."""

from dataclasses import dataclass

from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of a page.

    Attributes:
        name: what it counts.
        value: the number in short form; empty if nothing was measured.
        detail: an explanation, such as a comparison.
        url: the page with the rows behind it; empty if there is none.
        title: the exact number, shown on hover.
        chart: a sparkline of its history.
        tone: "bad" or "warn" if it needs attention.
    """

    name: str
    value: str
    detail: str = ""
    url: str = ""
    title: str = ""
    chart: SafeString | None = None
    tone: str = ""
