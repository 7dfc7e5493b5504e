"""Sheets, slides, OpenDocument, books, messages and data, as programs write them."""

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import openpyxl
import pptx

from tests.apps_registry.retrieval.files import archive
from tests.seen.documents import File

OPEN_DOCUMENT = "docs.oasis-open.org/office/OpenDocument/v1.3"
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
    for name, space in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "style": "style",
        "presentation": "presentation",
        "fo": "xsl-fo-compatible",
    }.items()
)


def made(kind: str, source: str, data: bytes | str, *texts: str, **more: Any) -> File:
    return File(source, kind, data if isinstance(data, bytes) else data.encode(), texts, **more)


def workbook(fill: Callable[[Any], None]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    fill(book)
    book.save(out)
    return out.getvalue()


def prices(book: Any) -> None:
    sheet = book.active
    sheet.title = "Prices"
    sheet["A1"] = "Price list"
    sheet.merge_cells("A1:D1")
    rows: tuple[list[Any], ...] = (
        ["Part", "Price", "Share", "Since"],
        ["AX-1", 7.5, 0.125, datetime.date(2026, 5, 1)],
        ["AX-2", None, 0.5, None],
    )
    for row, values in enumerate(rows, 3):
        for column, value in enumerate(values, 1):
            sheet.cell(row, column, value)
    sheet["B4"].number_format = "#,##0.00 [$€-407]"
    sheet["C4"].number_format = sheet["C5"].number_format = "0.0%"
    sheet["A6"], sheet["B6"], sheet["D6"] = "AX-3", "=B4*2", "00420"
    sheet["C6"], sheet["C6"].number_format = 420, "00000"
    sheet["D5"], sheet["D5"].number_format = datetime.datetime(2026, 5, 2, 16, 30), "h:mm"
    sheet["A7"], sheet.row_dimensions[7].hidden = "gnome", True
    hidden = book.create_sheet("Costs")
    hidden["A1"], hidden.sheet_state = "dwarf", "hidden"


def strict(data: bytes) -> bytes:
    """Return a workbook in the strict form."""
    source = zipfile.ZipFile(io.BytesIO(data))
    names = {
        "spreadsheetml/2006/main": "spreadsheetml/main",
        "officeDocument/2006/relationships": "officeDocument/relationships",
    }
    parts = []
    for name in source.namelist():
        content = source.read(name)
        for usual, renamed in names.items():
            content = content.replace(
                f"http://schemas.openxmlformats.org/{usual}".encode(), f"http://purl.oclc.org/ooxml/{renamed}".encode()
            )
        parts.append((name, content))
    return archive(parts)


def merged(book: Any) -> None:
    sheet = book.active
    for row in (["Region", "2025", None, "2026"], ["Europe", "a", "b", "c"], [None, "d", "e", "f"]):
        sheet.append(row)
    sheet.merge_cells("B1:C1")
    sheet.merge_cells("A2:A3")
    sheet["G9"] = "aside"
    sheet.column_dimensions["D"].hidden = True


LONG_TITLE = f"Directorate {'and division ' * 20}of quinces"


def slides() -> bytes:
    show, out = pptx.Presentation(), io.BytesIO()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Refunds"
    slide.placeholders[1].text = "Five days\nTo the card"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Plans"
    table = slide.shapes.add_table(3, 3, 0, 2_000_000, 5_000_000, 1_000_000).table
    for row, texts in enumerate((("", "Basic", ""), ("Storage", "", "50 GB"), ("Users", "1", "2"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    hidden = show.slides.add_slide(show.slide_layouts[5])
    hidden.shapes.title.text = "gnome"
    hidden._element.set("show", "0")
    show.slides.add_slide(show.slide_layouts[5]).shapes.title.text = "Questions?"
    show.save(out)
    return out.getvalue()


def long_title() -> bytes:
    show, out = pptx.Presentation(), io.BytesIO()
    show.slides.add_slide(show.slide_layouts[5]).shapes.title.text = LONG_TITLE
    show.slides[0].shapes.add_textbox(0, 3_000_000, 100, 100).text_frame.text = "Scorecard"
    show.save(out)
    return out.getvalue()


def open_document(body: str, styles: str = "") -> bytes:
    content = f"<office:document-content {SPACES}><office:automatic-styles>{styles}</office:automatic-styles><office:body>{body}</office:body></office:document-content>"
    return archive([("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", content)])


def cells(*texts: str) -> str:
    return "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts)


TEXT = f"""<office:text><text:tracked-changes><text:changed-region><text:p>gnome</text:p></text:changed-region></text:tracked-changes>
<text:h text:outline-level="2">Refunds</text:h><text:p>Five<text:s text:c="2"/>days<text:tab/>or<text:line-break/>six<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Not on Sundays.</text:p></text:note-body></text:note>.</text:p>
<text:h text:outline-level="2">Plans</text:h><text:list><text:list-item><text:p>Item</text:p></text:list-item></text:list>
<table:table><table:table-header-rows><table:table-row>{cells("")}<table:table-cell table:number-columns-spanned="2"><text:p>Basic</text:p></table:table-cell><table:covered-table-cell/></table:table-row></table:table-header-rows>
<table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>Storage</text:p></table:table-cell><table:table-cell/>{cells("50 GB")}</table:table-row>
<table:table-row><table:covered-table-cell/>{cells("1", "2")}</table:table-row></table:table>
<text:p><text:span text:style-name="H">dwarf</text:span>Seen <office:annotation><text:p>Really?</text:p></office:annotation><draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>After</text:p></office:text>"""
SHEETS = f"""<office:spreadsheet><table:table table:name="Prices"><table:table-row>{cells("Part", "Price")}</table:table-row>
<table:table-row table:number-rows-repeated="2">{cells("AX-1")}<table:table-cell office:value-type="currency" office:value="7.5"><text:p>7,50 €</text:p></table:table-cell></table:table-row>
<table:table-row table:visibility="collapse">{cells("gnome")}</table:table-row><table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row></table:table>
<table:table table:name="Costs" table:style-name="T"><table:table-row>{cells("dwarf")}</table:table-row></table:table></office:spreadsheet>"""
SHOW = """<office:presentation><draw:page draw:name="page1"><draw:frame presentation:class="title"><draw:text-box><text:p>Refunds</text:p></draw:text-box></draw:frame>
<draw:frame><draw:text-box><text:list><text:list-item><text:p>Five days</text:p></text:list-item></text:list></draw:text-box></draw:frame>
<presentation:notes><draw:frame><draw:text-box><text:p>Say it slowly.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page></office:presentation>"""

CONTAINER = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="O/b.opf"/></rootfiles></container>'
BOOK = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Quinces</dc:title></metadata>
<manifest><item id="b" href="b%20b.xhtml" media-type="application/xhtml+xml"/><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""
CHAPTER = '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head><body><h2>{0}</h2><p>{1}</p></body></html>'
PARTS = [
    ("META-INF/container.xml", CONTAINER),
    ("O/b.opf", BOOK),
    ("O/a.xhtml", CHAPTER.format("Spring", "They flower.")),
    ("O/b b.xhtml", CHAPTER.format("Autumn", "They ripen.")),
    ("O/nav.xhtml", CHAPTER.format("Contents", "Spring Autumn")),
]
LOCKED = '<encryption><EncryptedData><CipherData><CipherReference URI="O/a.xhtml"/></CipherData></EncryptedData></encryption>'


def message(body: str, **more: Any) -> EmailMessage:
    made_message = EmailMessage()
    made_message["From"], made_message["To"], made_message["Subject"] = (
        "Quincy <q@x.example>",
        "m@x.example",
        "Réfund — order 7",
    )
    made_message.set_content(body, **more)
    return made_message


def forwarded() -> bytes:
    outer = message("See below.\n\nBest")
    outer.add_attachment(message("<table><tr><th>Part<th>Price<tr><td>AX<td>7</table>", subtype="html"))
    outer.add_attachment(b"x", maintype="image", subtype="png", filename="photo.png")
    return outer.as_bytes()


JSON = json.dumps(
    {
        "title": "Shop",
        "open": True,
        "items": [{"sku": "AX-1", "price": {"amount": 7.50, "currency": "EUR"}, "tags": ["a", "b"]}, {"sku": "AX-2"}]
        * 5,
    }
)
RST = """\
Refunds
=======

They take *five* days, see :ref:`costs <costs>` and :func:`~shop.refund`.

.. note:: Not on Sundays.

.. versionadded:: 2.1
   By card, too.

.. custom-box:: Careful
   :colour: red

   Inside the box.

.. code-block:: python
   :linenos:

   refund(order)

.. include:: /etc/passwd

.. a comment

Costs
-----

=====  =====
Plan   Price
=====  =====
Basic
Pro    7
=====  =====

Shipping
--------

Free.
"""
MDX = """\
---
title: Refunds
---
import Tabs from '@theme/Tabs'
export const x = {
  a: 1,
}

# Refunds

<Tabs groupId="os">
  <TabItem value="a" label="By card">

Five days.

  </TabItem>
</Tabs>

{/* gnome */}

```jsx
<Tabs />
```
"""
RTF = (
    rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}{\info{\title Refunds}}\f0 \'c2\'ee\'e7\'e2\'f0\'e0\'f2\par Five \u8211- six {\v gnome}days.\par"
    rb"\trowd\cellx100\cellx200 Part\cell Price\cell\row\trowd\cellx100\cellx200 AX\cell 7\cell\row\pard Ende\par}"
)

KINDS: dict[str, File] = {
    "XLSX: values as they are shown": made(
        "xlsx",
        "ECMA-376-1 18.8.30",
        workbook(prices),
        "Price list\nPart | Price | Share | Since\nAX-1 | 7.50 € | 12.5% | 2026-05-01\nAX-2 | | 50.0% | 16:30\nAX-3 | | 00420 | 00420",
        absent=("dwarf", "gnome"),
        hidden=("gnome",),
        headings=("Prices",),
    ),
    "XLSX: merged cells and hidden columns": made(
        "xlsx",
        "ECMA-376-1 18.3.1.55",
        workbook(merged),
        "Region | 2025 | 2025 |\nEurope | a | b |\nEurope | d | e |\n",
        hidden=("2026", "c", "f"),
        absent=("2026",),
    ),
    "PPTX: titles, tables and notes": made(
        "pptx",
        "ECMA-376-1 19.3",
        slides(),
        "Five days\nTo the card\n\nNotes: Say it slowly.",
        "| Basic | Basic\nStorage | | 50 GB\nUsers | 1 | 2",
        "Questions?",
        absent=("gnome",),
        headings=("Refunds", "Plans", "Questions?"),
        title="Refunds",
    ),
    "PPTX: a title longer than a heading": made("pptx", "ECMA-376-1 19.3", long_title(), "of quinces", "Scorecard"),
    "ODT": made(
        "odf",
        OPEN_DOCUMENT,
        open_document(
            TEXT,
            '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>',
        ),
        "Five  days\tor\nsix.",
        "Not on Sundays.",
        "Item",
        "| Basic | Basic\nStorage | | 50 GB\nStorage | 1 | 2",
        "Seen \nboxed\nAfter",
        absent=("gnome", "dwarf", "Really?"),
        hidden=("dwarf",),
        headings=("Refunds", "Plans"),
    ),
    "ODS": made(
        "odf",
        OPEN_DOCUMENT,
        open_document(
            SHEETS,
            '<style:style style:name="T" style:family="table"><style:table-properties table:display="false"/></style:style>',
        ),
        "Part | Price\nAX-1 | 7,50 €\nAX-1 | 7,50 €\n",
        absent=("gnome", "dwarf"),
        headings=("Prices",),
    ),
    "ODP": made(
        "odf",
        OPEN_DOCUMENT,
        open_document(SHOW),
        "Five days\n\nNotes: Say it slowly.",
        headings=("Refunds",),
        title="Refunds",
    ),
    "EPUB": made(
        "epub",
        "w3.org/TR/epub-33",
        archive(PARTS),
        "They flower.",
        "They ripen.",
        absent=("Spring Autumn",),
        headings=("Spring", "Autumn"),
        title="Quinces",
    ),
    "EPUB: protected": made(
        "epub", "w3.org/TR/epub-33", archive([*PARTS, ("META-INF/encryption.xml", LOCKED)]), refused="protected"
    ),
    "EML": made(
        "eml",
        "rfc-editor.org/rfc/rfc5322",
        forwarded(),
        "From: Quincy <q@x.example>\nTo: m@x.example\nSubject: Réfund — order 7",
        "See below.\n\nBest",
        "Part | Price\nAX | 7",
        title="Réfund — order 7",
        headings=("Réfund — order 7", "Réfund — order 7 > Réfund — order 7"),
    ),
    "RTF": made(
        "rtf",
        "latex2rtf.sourceforge.net/rtfspec",
        RTF,
        "Возврат",
        "Five – six days.",
        "Part | Price\nAX | 7",
        "Ende",
        absent=("gnome", "Arial"),
        hidden=("gnome",),
        title="Refunds",
    ),
    "RTF: headers, footnotes and stray marks": made(
        "rtf",
        "latex2rtf.sourceforge.net/rtfspec",
        rb"{\rtf1\ansi{\header Quince Ltd\par}{\b0\*\cs7 Five days}{\footnote Not on Sundays.} \u-10179?\u-8704?.\par}",
        "Quince Ltd",
        "Five days",
        "Not on Sundays.",
        "\U0001f600",
    ),
    "CSV of Excel in German": made(
        "csv_table",
        "rfc-editor.org/rfc/rfc4180",
        'Teil;Preis;Größe\r\n"AX-1, rot";7,50;\r\nAX-2;;"klein\r\nund rund"\r\n'.encode("cp1252"),
        "Teil | Preis | Größe\nAX-1, rot | 7,50 |\nAX-2 | | klein und rund",
    ),
    "CSV in Chinese": made(
        "csv_table",
        "gb18030",
        "部件,价格,说明\n甲,七元,小的红色零件\n乙,八元,大的蓝色零件\n".encode("gb18030"),
        "部件 | 价格 | 说明\n甲 | 七元",
    ),
    "CSV with a space before quotation marks": made(
        "csv_table",
        "docutils.sourceforge.io/docs/ref/rst/directives.html",
        'Food, Price, Remark\nAlbatross, 2.99, "On a stick, hot"\nFrog, 1.49, "Two\nlines"\n',
        "Albatross | 2.99 | On a stick, hot\nFrog | 1.49 | Two lines",
    ),
    "TSV with one column empty": made(
        "csv_table", "iana.org/assignments/media-types/text/tab-separated-values", "a\t\tb\n1\t\t2\n", "a | b\n1 | 2"
    ),
    "JSON": made(
        "json_data",
        "rfc-editor.org/rfc/rfc8259",
        JSON,
        "title: Shop\nopen: true",
        "sku: AX-1\nprice.amount: 7.5\nprice.currency: EUR\ntags: a, b\n\nsku: AX-2",
        headings=("", "items"),
        title="Shop",
    ),
    "JSON values one after the other": made("json_data", "jsonlines.org", '{"q": "a"}\n{\n"q": "b"}', "q: a", "q: b"),
    "XLSX: Strict Open XML": made("xlsx", "ISO/IEC 29500-1 Strict", strict(workbook(prices)), "AX-1 | 7.50 € | 12.5%"),
    "JSON that is nested too deeply": made("json_data", "rfc-editor.org/rfc/rfc8259", "[" * 50_000, refused="nested"),
    "JSON Lines": made(
        "json_lines",
        "jsonlines.org",
        '{"q": "How long?", "a": "Five days."}\nnot json\n{"q": "Who pays?"}\n',
        "q: How long?\na: Five days.",
        "q: Who pays?",
    ),
    "reStructuredText": made(
        "rst",
        "docutils.sourceforge.io/docs/ref/rst",
        RST,
        "They take five days, see costs and shop.refund.",
        "Not on Sundays.",
        "2.1",
        "By card, too.",
        "Careful",
        "Inside the box.",
        "refund(order)",
        "Plan | Price\nBasic |\nPro | 7",
        "Free.",
        absent=("root:", "a comment", "colour"),
        headings=("Refunds", "Refunds > Costs", "Refunds > Shipping"),
        title="Refunds",
    ),
    "MDX": made(
        "mdx",
        "mdxjs.com",
        MDX,
        "By card",
        "Five days.",
        "<Tabs />",
        absent=("import", "export", "gnome", "groupId", "a: 1"),
        hidden=("gnome",),
        headings=("Refunds",),
        title="Refunds",
    ),
}
