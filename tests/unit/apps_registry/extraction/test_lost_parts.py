"""What a reader cannot read is in the loss report, and what it can read is in the text."""

import io
import zipfile
from email.message import EmailMessage

import openpyxl
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Highlight, Text
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, PdfObject, TextStringObject

from tests.apps_registry.retrieval.files import archive
from tests.seen.kinds import cells, open_document
from tests.unit.apps_registry.extraction.reading import losses_of, read, text_of

RST = """\
Prices
======

=====  =====
Plan   Price
=====  =====
Basic, which is too long
=====  =====

.. include:: terms.rst

.. literalinclude:: shop.py

.. raw:: html
   :file: banner.html

.. raw:: html

   <p>Shown to visitors</p>

.. csv-table:: Fees
   :file: /etc/passwd

.. automodule:: shop

.. figure::

The end.
"""


def test_reStructuredText_that_is_malformed_or_in_other_files_is_reported() -> None:  # noqa: N802 - its name
    reading = read("rst", RST)
    text = text_of(reading)
    assert all(words in text for words in ("Plan   Price", "Basic, which is too long", "Shown to visitors", "The end."))
    assert "root:" not in text
    report = {loss["code"]: loss for loss in reading.losses.report()}
    assert report["includes"]["detail"] == (
        "include terms.rst, literalinclude shop.py, banner.html, /etc/passwd, automodule shop"
    )
    assert (report["unknown_markup"]["count"], report["unknown_markup"]["detail"]) == (2, "line 7, line 26")


def test_a_formula_without_a_result_is_reported() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["Part", "Price", "Twice"], ["AX", 7, "=B2*2"], ["BX", 8, "=B3*2"]):
        sheet.append(row)
    book.save(out)
    reading = read("xlsx", out.getvalue())
    assert losses_of(reading) == {"formulas": 2}
    assert "AX | 7" in text_of(reading)


def test_struck_and_unshown_parts_of_a_sheet_are_left_out() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["Part", "Price"], ["MARK", 7.5], ["BX", 8]):
        sheet.append(row)
    sheet["B2"].number_format, sheet["B3"].number_format = '0.00" EUR"', ";;;"
    book.save(out)
    rich = "<si><r><rPr><strike/></rPr><t>old</t></r><r><t xml:space='preserve'> new</t></r></si>"
    shared = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{rich}</sst>'
    packed = zipfile.ZipFile(out)
    parts = {name: packed.read(name) for name in packed.namelist()}
    first = "xl/worksheets/sheet1.xml"
    parts[first] = parts[first].replace(b't="inlineStr"><is><t>MARK</t></is>', b't="s"><v>0</v>')
    parts["xl/sharedStrings.xml"] = shared.encode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    declared = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'.encode()
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", declared)
    reading = read("xlsx", archive(parts.items()))
    assert text_of(reading) == "Part | Price\nnew | 7.50 EUR\nBX |"
    assert losses_of(reading) == {"deleted": 1, "hidden": 1}
    assert reading.hidden == ["old", "8"]


def test_values_of_a_sheet_without_stored_texts_are_read() -> None:
    values = (
        'office:value-type="currency" office:value="7.5" office:currency="EUR"',
        'office:value-type="percentage" office:value="0.125"',
        'office:value-type="date" office:date-value="2026-05-01"',
        'office:value-type="string" office:string-value="open"',
    )
    row = "".join(f"<table:table-cell {value}/>" for value in values)
    table = f'<table:table table:name="a"><table:table-row>{cells("A", "B", "C", "D")}</table:table-row>'
    sheet = f"<office:spreadsheet>{table}<table:table-row>{row}</table:table-row></table:table></office:spreadsheet>"
    assert text_of(read("odf", open_document(sheet))) == "A | B | C | D\n7.5 EUR | 12.5% | 2026-05-01 | open"


def test_each_part_of_a_message_is_read_or_reported() -> None:
    mixed = EmailMessage()
    mixed["From"] = "q@x.example"
    mixed.set_content("Before the picture.")
    mixed.add_alternative("BEGIN:VCALENDAR", subtype="calendar")
    mixed.make_mixed()
    after = EmailMessage()
    after.set_content("After the picture.")
    mixed.add_attachment(b"x", maintype="image", subtype="png", filename="photo.png")
    mixed.attach(after)
    reading = read("eml", mixed.as_bytes())
    assert text_of(reading) == "From: q@x.example\nBefore the picture.\nAfter the picture."
    assert reading.losses.details == {"attachments": ["text/calendar", "photo.png"]}

    only_file = EmailMessage()
    only_file["From"] = "q@x.example"
    only_file.set_content(b"x", maintype="application", subtype="pdf", filename="bill.pdf")
    assert read("eml", only_file.as_bytes()).losses.details == {"attachments": ["bill.pdf"]}


def form() -> bytes:
    """Return a PDF without text on its page: a form, a reviewer's remarks, and an attached file."""
    paper = FPDF()
    paper.add_page()
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(bytes(paper.output()))))
    page = writer.pages[0]
    box = ArrayObject([NumberObject(side) for side in (10, 10, 90, 30)])

    def field(kind: str, value: PdfObject, **more: PdfObject) -> DictionaryObject:
        made = DictionaryObject({NameObject("/Type"): NameObject("/Annot"), NameObject("/Rect"): box})
        entries = {"Subtype": NameObject("/Widget"), "FT": NameObject(kind), "V": value, **more}
        made.update({NameObject(f"/{name}"): entry for name, entry in entries.items()})
        return made

    choices = ArrayObject([ArrayObject([TextStringObject("d"), TextStringObject("Dutch")])])
    fields = [
        field("/Tx", TextStringObject("Ada Quince"), T=TextStringObject("name"), TU=TextStringObject("Your name")),
        field("/Btn", NameObject("/Yes"), T=TextStringObject("agrees")),
        field("/Btn", NameObject("/Off"), T=TextStringObject("letters")),
        field("/Ch", TextStringObject("d"), T=TextStringObject("language"), Opt=choices),
        field("/Tx", TextStringObject("gnome"), T=TextStringObject("secret"), Ff=NumberObject(1 << 13)),
        field("/Tx", TextStringObject(""), T=TextStringObject("empty")),
    ]
    page[NameObject("/Annots")] = ArrayObject(map(writer._add_object, fields))
    corners = ArrayObject(map(NumberObject, (1, 2, 3, 2, 1, 1, 3, 1)))
    writer.add_annotation(0, Text(text="Is this right?", rect=(1, 1, 9, 9)))
    writer.add_annotation(0, Highlight(rect=(1, 1, 9, 9), quad_points=corners))  # without a remark
    writer.add_annotation(0, FreeText(text="Typed onto the page", rect=(1, 1, 9, 9)))
    writer.add_attachment("terms.csv", b"a,b")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_what_a_PDF_contains_in_addition_to_its_pages_is_read_or_reported() -> None:  # noqa: N802 - its name
    reading = read("pdf", form())
    assert text_of(reading).split("\n") == [
        "Your name: Ada Quince",
        "agrees: Yes",
        "language: Dutch",
        "Typed onto the page",
    ]
    assert losses_of(reading) == {"comments": 1, "attachments": 1, "text_boxes": 1}
    assert reading.losses.details["attachments"] == ["terms.csv"]
