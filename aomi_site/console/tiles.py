"""Tiles: a number with its name, at the top of a page."""

from dataclasses import dataclass

from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of a page.

    Attributes:
        name: what it counts.
        value: the number as it is read; empty if nothing was measured.
        detail: what explains it, such as a comparison.
        url: the rows behind it; empty if there are none to show.
        title: the exact number, on hover.
        chart: how it went, a sparkline.
        tone: "bad" or "warn" if it needs attention.
    """

    name: str
    value: str
    detail: str = ""
    url: str = ""
    title: str = ""
    chart: SafeString | None = None
    tone: str = ""
