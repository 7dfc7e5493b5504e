"""Whatever a format can contain and a reader loses or leaves out is in the loss report."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from apps_registry.extraction.losses import CODES
from tests.apps_registry.retrieval.test_losses import scan
from tests.unit.apps_registry.extraction import office_files
from tests.unit.apps_registry.extraction.reading import losses_of, read, text_of
from tests.unit.apps_registry.extraction.test_lost_parts import RST, form

PAGE = (
    "<nav>Menu</nav><h1>T</h1><p>Seven days. <del>gnome</del><s>gnome</s><img src=a><video src=b></video>"
    "<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math><svg><text>gnome</text></svg><select><option>gnome</select>"
    "<details><summary>Q</summary>A</details><button>gnome</button><p hidden>gnome</p><span class=pagenum>12</span>"
)
OF_PAGE = {
    "images": 2,
    "objects": 1,
    "collapsed": 1,
    "buttons": 2,
    "hidden": 1,
    "deleted": 2,
    "equations": 1,
    "margin_numbers": 1,
}
MARKDOWN = """\
Seven days ~~gnome~~ <del>gnome</del> ![x](a.png) <img src="b.png"> <iframe src="c"></iframe> <!-- gnome --> `~~code~~`
"""
MDX = MARKDOWN.replace("<!-- gnome -->", "{/* gnome */}") + '\n<PriceTable plan="a" />\n\n<Tab label="By card">\n'
RTF = (
    rb"{\rtf1\ansi{\stylesheet{\s1\strike Struck;}}Seven {\strike gnome}days{\v gnome}\strike gnome\strike0{\pict 00}"
    rb"{\object}{\*\annotation a}{\shp{\*\shpinst{\sp{\sn gnome}{\sv 1}}{\shptxt boxed\par}}}"
    rb"{\mmath{\*\moMath{\mr a}}}\par"
)


def message() -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"] = "q@x.example", "Refunds"
    made.set_content(f"<html><body>{PAGE}</body></html>", subtype="html")
    made.add_attachment(b"x", maintype="image", subtype="png", filename="photo.png")
    return b"no header\n" + made.as_bytes()


FILES: dict[str, tuple[str, bytes | str, dict[str, int]]] = {
    "docx": (
        "docx",
        office_files.word(),
        {
            **{"symbols": 1, "images": 1, "objects": 1, "equations": 1, "text_boxes": 1},
            **{"deleted": 2, "comments": 1, "hidden": 1},
        },
    ),
    "xlsx": (
        "xlsx",
        office_files.workbook(),
        {"formulas": 1, "charts": 1, "images": 1, "sheets": 1, "deleted": 1, "comments": 1, "hidden": 1},
    ),
    "pptx": (
        "pptx",
        office_files.slides(),
        {"charts": 1, "images": 1, "objects": 1, "equations": 1, "slides": 1, "deleted": 1, "hidden": 1},
    ),
    "odt": (
        "odf",
        office_files.text(),
        {"images": 1, "objects": 1, "text_boxes": 1, "deleted": 2, "comments": 1, "hidden": 2},
    ),
    "ods": (
        "odf",
        office_files.sheets(),
        {
            **{"formulas": 1, "images": 1, "objects": 1, "text_boxes": 1, "sheets": 1},
            **{"deleted": 1, "comments": 1, "hidden": 2},
        },
    ),
    "odp": (
        "odf",
        office_files.show(),
        {"images": 1, "objects": 1, "slides": 1, "deleted": 1, "comments": 1, "hidden": 1},
    ),
    "rtf": (
        "rtf",
        RTF,
        {
            **{"cut_off": 1, "images": 1, "objects": 1, "equations": 1, "text_boxes": 1},
            **{"deleted": 2, "comments": 1, "hidden": 1},
        },
    ),
    "epub": ("epub", office_files.book(PAGE), {"parts": 1, **OF_PAGE}),
    "eml": ("eml", message(), {"header_lines": 1, "attachments": 1, **OF_PAGE}),
    "html": ("html", PAGE, {"furniture": 1, **OF_PAGE}),
    "md": ("markdown", MARKDOWN, {"images": 2, "objects": 1, "deleted": 2, "hidden": 1}),
    "mdx": ("mdx", MDX, {"includes": 1, "images": 2, "objects": 1, "deleted": 2, "hidden": 1}),
    "rst": ("rst", RST, {"unknown_markup": 2, "includes": 5}),
    "csv": ("csv_table", "Größe;Preis\nklein;7\n".encode("cp1252"), {"encoding": 1}),
    "jsonl": ("json_lines", '{"a": "b"}\nnot json\n', {"parts": 1}),
    "json": ("json_data", '{"größe": "für alle Kürbisse"}'.encode("cp1252"), {"encoding": 1}),
    "pdf": ("pdf", form(), {"comments": 1, "attachments": 1, "text_boxes": 1}),
    "scanned pdf": ("pdf", scan("", "Words on a page. " * 20), {"page_text": 1, "images": 1}),
}


@pytest.mark.parametrize("name", FILES)
def test_only_what_a_file_loses_is_reported(name: str) -> None:
    kind, data, losses = FILES[name]
    reading = read(kind, data)
    assert losses_of(reading) == losses
    assert "gnome" not in text_of(reading)
    assert all(loss["note"] for loss in reading.losses.report())


def test_each_loss_has_a_row_in_the_documents() -> None:
    document = Path(__file__).parents[4] / "docs" / "documents.md"
    rows = [line.split("|")[1] for line in document.read_text().splitlines() if line.startswith("| `")]
    assert {code.strip(" `") for row in rows for code in row.split(",")} >= CODES
