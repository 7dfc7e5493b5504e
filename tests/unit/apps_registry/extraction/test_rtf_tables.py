"""Tables in RTF keep each text in its cell: several paragraphs, further tables, and empty cells."""

from tests.unit.apps_registry.extraction.reading import read

ROW = r"\trowd\cellx100\cellx200"
OLD = r"{\nonesttables\par}"
INNER = r"\pard\intbl\itap2 %s\nestcell" + OLD + r"\pard\intbl\itap2 %s\nestcell" + OLD
INNER += r"\pard\intbl\itap2{\*\nesttableprops\trowd\cellx50\cellx90\nestrow}" + OLD
DEEPER = r"\pard\intbl\itap3 A4\nestcell\pard\intbl\itap3{\*\nesttableprops\trowd\nestrow}"
PLANS = (
    r"{\rtf1\ansi The plans:\par"
    rf"{ROW}\pard\intbl Plan\cell \pard\intbl Storage\cell\row"
    rf"{ROW}\pard\intbl Basic\par since May\cell \pard\intbl Sizes:\par {INNER % ('Small', '5 GB')}"
    rf"{INNER % ('Large', '9 GB')}\pard\intbl Ask us.\cell\row"
    rf"{ROW}\pard\intbl Caf\u233\cell \pard\intbl\cell\row"
    rf"{ROW}\pard\intbl\cell\pard\intbl {INNER % ('Paper', DEEPER)}\cell\row"
    r"\pard Write \\cell.\par}"
)


def blocks(source: str) -> list[tuple[str, bool]]:
    return [(block.text, block.is_table) for block in read("rtf", source).blocks]


def test_a_nested_table_stays_in_its_cell() -> None:
    rows = [
        "Plan | Storage",
        "Basic since May | Sizes: [Small, 5 GB; Large, 9 GB] Ask us.",
        "Café |",
        "| [Paper, [A4]]",
    ]
    assert blocks(PLANS) == [("The plans:", False), ("\n".join(rows), True), ("Write \\cell.", False)]


def test_cells_without_a_beginning_are_read() -> None:
    assert blocks(r"{\rtf1 Before.\par A\cell B\cell\row C\cell D|E\cell\row After.\par}") == [
        ("Before.", False),
        ("A | B", True),
        (r"C | D\|E", True),
        ("After.", False),
    ]
    stray = blocks(r"{\rtf1 A\cell\pard B\par C\nestcell\row\itap9 D\nestcell\pard E\par}")
    assert [letter for text, _ in stray for letter in text if letter.isalpha()] == [*"ABCDE"]
