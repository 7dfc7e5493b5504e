"""What openpyxl omits when it streams a sheet: hidden rows and columns, merged cells, formulas without a result."""

from dataclasses import dataclass, field
from xml.parsers import expat

from openpyxl.utils.cell import range_boundaries

MAX_MERGES = 20_000
_ON = {"1", "true"}


@dataclass(slots=True)
class Layout:
    """The layout of a sheet; rows and columns count from 1.

    Attributes:
        merges: row -> (first column, last column, first row) of the merged cells that cover it.
        uncomputed: number of formulas without a stored result.
    """

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merges: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    uncomputed: int = 0
    merge_count: int = 0

    def hides_column(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)


def scan(sheet: bytes) -> Layout:
    """Return the layout of a sheet from its XML, which must be checked for entities."""
    layout, cell = Layout(), {"formula": False, "value": False, "open": False}

    def start(name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(" ")[2]:
            case "row" if attributes.get("hidden") in _ON:
                layout.hidden_rows.add(int(attributes.get("r", "0")))
            case "col" if attributes.get("hidden") in _ON:
                layout.hidden_columns.append((int(attributes["min"]), int(attributes["max"])))
            case "mergeCell":
                _add_merge(layout, attributes.get("ref", ""))
            case "c":  # of type `str`, the result may be an empty text
                cell.update(formula=False, value=attributes.get("t") == "str")
            case "f":
                cell["formula"] = True
            case "v":
                cell["open"] = True

    def end(name: str) -> None:
        if name.endswith(" c"):
            layout.uncomputed += cell["formula"] and not cell["value"]
        elif name.endswith(" v"):
            cell["open"] = False

    def characters(text: str) -> None:
        if cell["open"] and text.strip():  # openpyxl writes an empty `v` next to a formula
            cell["value"] = True

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.Parse(sheet, True)
    return layout


def _add_merge(layout: Layout, reference: str) -> None:
    first_column, first_row, last_column, last_row = range_boundaries(reference)
    for row in range(first_row, last_row + 1):
        if layout.merge_count >= MAX_MERGES:
            return
        layout.merge_count += 1
        layout.merges.setdefault(row, []).append((first_column, last_column, first_row))
