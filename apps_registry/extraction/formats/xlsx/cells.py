"""Cells of a sheet as openpyxl streams them: their text, and what is struck through in them."""

from dataclasses import dataclass
from typing import Any

from openpyxl.cell.rich_text import CellRichText, TextBlock

from apps_registry.extraction.blocks import Reading
from apps_registry.extraction.formats.xlsx.cell_values import shown_value


@dataclass(frozen=True, slots=True)
class Look:
    """How a style shows cells."""

    number_format: str
    is_struck: bool


def shown_cell(cell: Any, looks: dict[int, Look], reading: Reading) -> str:
    """Return the text of a cell; what is struck through or shown by no format is left out and listed.

    Args:
        cell: of openpyxl, also an empty one.
        looks: the styles that were seen, by id.
        reading: gets what is left out.
    """
    if cell.value is None:
        return ""
    style = cell._style_id
    look = looks.get(style) or looks.setdefault(style, Look(cell.number_format or "", bool(cell.font.strike)))
    value = _without_struck(cell.value, reading) if isinstance(cell.value, CellRichText) else cell.value
    text = shown_value(value, look.number_format)
    if look.is_struck:
        reading.strike(text)
        return ""
    if not text and value != 0:
        reading.hide(str(value))
    return text


def _without_struck(text: CellRichText, reading: Reading) -> str:
    kept = []
    for part in text:
        if isinstance(part, TextBlock) and part.font.strike:
            reading.strike(part.text)
        else:
            kept.append(str(part))
    return "".join(kept)
